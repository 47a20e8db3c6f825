/** `medlsam phantom`: synthetic CT scans and their label maps. */

import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { maxSeed } from "../base/seed.js";
import { secondsSince } from "../base/time.js";
import { makeFolder } from "../formats/files.js";
import type { Phantom, PhantomRealism, PhantomRegion, Triple } from "../index.js";
import { phantomRealism, phantomRegions } from "../phantom/regions.js";
import { parseInteger, parseSeed, parseSpacing, quietOption, threadsOption } from "./options.js";
import { createProgress } from "./progress.js";
import type { Api, Session } from "./session.js";
import { count, formatSeconds } from "./text.js";

interface Flags {
  seed: number;
  count: number;
  output: string;
  region: PhantomRegion | "auto";
  spacing?: Triple;
  axes?: string;
  realism?: PhantomRealism[];
  threads: number;
  dicom?: boolean;
  skipExisting?: boolean;
  quiet?: boolean;
}

const regions = ["auto", ...phantomRegions] as const;

export function addPhantom(program: Command, session: Session): void {
  program
    .command("phantom")
    .description("make synthetic CT scans with labeled organs (no patient's data)")
    .requiredOption("--seed <n>", "seed of the first phantom", parseSeed)
    .option("--count <n>", "number of phantoms, with seeds n, n+1, …", parseInteger(1, maxSeed), 1)
    .requiredOption(
      "-o, --output <folder>",
      "folder for phantom-SEED.nii.gz and phantom-SEED_label.nii.gz",
    )
    .addOption(
      new Option("--region <name>", "what part of the body is scanned")
        .choices(regions)
        .default("auto", "by the seed"),
    )
    .option(
      "--spacing <mm>",
      "voxel size, or three along head-feet, front-back, left-right: 5,1,1 (default: by the seed)",
      parseSpacing,
    )
    .option(
      "--axes <letters>",
      "directions of the stored axes, such as LPS (default: by the seed)",
      parseAxes,
    )
    .option(
      "--realism <parts>",
      `more like patients: ${phantomRealism.join(",")}, some of them, or all (default: none)`,
      parseRealism,
    )
    .option(
      "--dicom",
      "DICOM instead: a folder phantom-SEED of CT images, phantom-SEED_seg.dcm and phantom-SEED_rtstruct.dcm",
    )
    .addOption(threadsOption())
    .option("--skip-existing", "skip phantoms whose files exist")
    .addOption(quietOption())
    .action((flags: Flags) => makeAll(flags, session));
}

function parseAxes(text: string): string {
  const axes = text.toUpperCase();
  const sorted = [...axes].map((letter) => "RLAPSI".indexOf(letter) >> 1).sort();
  if (sorted.join() === "0,1,2") return axes;
  throw new InvalidArgumentError("Give one letter of each pair R L, A P, S I.");
}

function parseRealism(text: string): PhantomRealism[] {
  if (text === "all") return [...phantomRealism];
  const parts = text.split(",");
  const known = phantomRealism.filter((part) => parts.includes(part));
  if (known.length === parts.length) return known;
  throw new InvalidArgumentError(
    `Give parts of ${phantomRealism.join(",")}, each once, separated by commas, or all.`,
  );
}

async function makeAll(flags: Flags, session: Session): Promise<void> {
  const { seed: first, output, skipExisting, region, spacing, axes, realism, threads } = flags;
  const last = first + flags.count - 1;
  if (last > maxSeed) {
    throw new UsageError(`--seed ${first} --count ${flags.count}: seeds end at ${maxSeed}.`);
  }
  makeFolder(output);
  const progress = createProgress(flags.quiet ?? false, session.signal);
  const api = await session.api();
  const { signal } = session;
  try {
    for (let seed = first; seed <= last; seed++) {
      const { subject, files, write } = flags.dicom
        ? dicomOutput(api, output, seed)
        : niftiOutput(api, output, seed);
      if (skipExisting && files.every((file) => existsSync(file))) continue;
      const started = performance.now();
      const phantom = await api.makePhantom({
        seed,
        region: region === "auto" ? undefined : region,
        spacing,
        axes,
        realism,
        threads,
        signal,
        onProgress: progress.follow(subject),
      });
      await write(phantom, { signal });
      progress.say(
        `${subject}: ${describePhantom(phantom)}, ${formatSeconds(secondsSince(started))}`,
      );
    }
  } finally {
    progress.clear();
  }
}

/** Where a phantom goes, and how it is written. */
interface PhantomOutput {
  /** The scan. */
  subject: string;
  files: string[];
  write(phantom: Phantom, options: { signal: AbortSignal }): Promise<void>;
}

function niftiOutput(
  { phantomFiles, writePhantom }: Api,
  folder: string,
  seed: number,
): PhantomOutput {
  const files = phantomFiles(folder, seed);
  return {
    subject: files.image,
    files: [files.image, files.labels],
    write: (phantom, options) => writePhantom(phantom, files, options),
  };
}

function dicomOutput(
  { phantomSeriesFiles, writePhantomSeries }: Api,
  folder: string,
  seed: number,
): PhantomOutput {
  const files = phantomSeriesFiles(folder, seed);
  return {
    subject: files.series,
    files: [files.series, files.segmentation, files.structures],
    write: (phantom, options) => writePhantomSeries(phantom, files, { ...options, seed }),
  };
}

export function describePhantom({
  image,
  about: { sex, region, contrast, missing },
}: Phantom): string {
  const [z, y, x] = image.shape;
  const without = missing.length === 0 ? "" : `, without ${missing.join(" and ")}`;
  return `${sex}, ${region}, contrast ${contrast}, ${x} × ${y} × ${count(z, "slice")}${without}`;
}
