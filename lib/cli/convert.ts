/** `medlsam convert`: a scan of any kind as NIfTI, and what its header says. */
import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import { secondsSince } from "../base/time.js";
import { formatJson } from "../formats/json.js";
import type { Volume } from "../index.js";
import { addDicomOptions, type DicomFlags, dicomOptions } from "./dicom-options.js";
import { jsonOption, nanOption, quietOption, scanHelp, threadsOption } from "./options.js";
import { checkWritable, writeStdout } from "./output.js";
import { createProgress } from "./progress.js";
import type { Session } from "./session.js";
import { facts, formatSeconds } from "./text.js";

interface Flags extends DicomFlags {
  output?: string;
  info?: boolean;
  json?: boolean;
  nan?: number;
  threads: number;
  quiet?: boolean;
}

export function addConvert(program: Command, session: Session): void {
  const command = program
    .command("convert")
    .description("write a scan as NIfTI, its voxels as they are, or say what its header holds")
    .argument("<image>", scanHelp)
    .option("-o, --output <file>", "the file to write: .nii.gz or .nii")
    .option("--info", "size, spacing, directions and values to standard output");
  addDicomOptions(command)
    .addOption(jsonOption())
    .addOption(nanOption())
    .addOption(threadsOption())
    .addOption(quietOption())
    .action((image: string, flags: Flags) => convert(image, flags, session));
}

async function convert(image: string, flags: Flags, session: Session): Promise<void> {
  const { output, info = false, json = false, nan, threads, quiet = false } = flags;
  if (output === undefined && !info) {
    throw new UsageError("Say what to do: -o FILE.nii.gz writes the scan, --info describes it.");
  }
  if (json && !info) throw new UsageError("--json is the form of what --info says.");
  if (output !== undefined) {
    if (!/\.nii(\.gz)?$/i.test(output)) {
      throw new UsageError(`${output}: the name must end in .nii.gz or .nii.`);
    }
    checkWritable(output, [image]);
  }
  const started = performance.now();
  const { Volume } = await session.api();
  const progress = createProgress(quiet, session.signal);
  const { signal } = session;
  try {
    const onProgress = progress.follow(image);
    const how = { nan, threads, signal, onProgress, ...dicomOptions(flags) };
    const volume = await Volume.read(image, how);
    for (const { code, message } of volume.scanWarnings) {
      progress.say(`${image}: ${message} (${code}).`);
    }
    for (const warning of volume.warnings) progress.say(`${image}: ${warning}.`);
    if (info) {
      progress.clear();
      await writeStdout(`${json ? formatJson(describe(volume)) : readable(volume)}\n`);
    }
    if (output !== undefined) {
      await volume.write(output, { threads, signal });
      progress.say(`${output}: written in ${formatSeconds(secondsSince(started))}`);
    }
    volume.close();
  } finally {
    progress.clear();
  }
}

/** The header's facts that say nothing about the patient. */
function describe(volume: Volume) {
  const { path, shape, spacing, affine, axes, dtype, slope, intercept, source } = volume;
  return {
    ...{ path, shape, spacing, axes, affine, dtype, slope, intercept },
    ...(source && {
      dicom: {
        images: source.slices.length,
        tilt: source.tilt,
        resampled: source.resampled,
        lossy: source.lossy,
      },
    }),
    warnings: [...volume.scanWarnings, ...volume.warnings.map((message) => ({ message }))],
  };
}

function readable(volume: Volume): string {
  const { path, shape, spacing, affine, axes, dtype, slope, intercept, source } = volume;
  const rows = [0, 4, 8].map((row) =>
    affine
      .slice(row, row + 4)
      .map((value) => value.toFixed(4))
      .join("  "),
  );
  return facts([
    ["file", path],
    ["size", `${[...shape].reverse().join(" × ")} voxels (x, y, z)`],
    [
      "voxels",
      `${[...spacing]
        .reverse()
        .map((mm) => mm.toFixed(4))
        .join(" × ")} mm`,
    ],
    ["directions", `${axes} (of x, y, z)`],
    ...rows.map((row, i): [string, string] => [`affine ${"RAS"[i]}`, row]),
    ["values", `${dtype}, × ${slope} + ${intercept}`],
    ...(source ? dicomFacts(source) : []),
  ]);
}

function dicomFacts(source: NonNullable<Volume["source"]>): [string, string][] {
  const { slices, tilt, resampled, lossy } = source;
  return [
    ["images", `${slices.length}${resampled ? ", slices interpolated between them" : ""}`],
    ["gantry tilt", `${tilt.toFixed(1)} degrees`],
    ["lossy compression", lossy ? "yes" : "no"],
  ];
}
