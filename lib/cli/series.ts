/** `medlsam series`: the DICOM series in folders and archives, as --series chooses them. */
import type { Command } from "commander";
import { formatJson } from "../formats/json.js";
import type { SeriesInfo } from "../index.js";
import { modalityOption } from "./dicom-options.js";
import { jsonOption, quietOption } from "./options.js";
import { writeStdout } from "./output.js";
import { createProgress } from "./progress.js";
import type { Session } from "./session.js";
import { table } from "./text.js";

interface Flags {
  modality?: "ct" | "any";
  json?: boolean;
  quiet?: boolean;
}

export function addSeries(program: Command, session: Session): void {
  program
    .command("series")
    .description("list the DICOM series in a folder, archive or DICOMDIR that can be read")
    .argument("<path...>", "a folder with all below it, .zip, DICOMDIR, or the files of one scan")
    .addOption(modalityOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .action((paths: string[], flags: Flags) => list(paths, flags, session));
}

async function list(paths: string[], flags: Flags, session: Session): Promise<void> {
  const { modality, json, quiet = false } = flags;
  const { listSeries } = await session.api();
  const progress = createProgress(quiet, session.signal);
  try {
    const path = paths.length === 1 ? (paths[0] as string) : paths;
    const series = await listSeries(path, {
      ...(modality !== undefined && { modality }),
      signal: session.signal,
      onProgress: progress.follow(paths[0] as string),
    });
    progress.clear();
    await writeStdout(`${json ? formatJson(series) : readable(series)}\n`);
  } finally {
    progress.clear();
  }
}

function readable(series: readonly SeriesInfo[]): string {
  const rows = series.map(({ number, description, images, shape, spacing, phase, uid }) => [
    ...[number, description, String(images), `${shape[1]} × ${shape[2]}`],
    [...spacing].reverse().map(shortNumber).join(" × "),
    ...[phase, uid],
  ]);
  return table(["number", "description", "images", "size", "spacing (mm)", "phase", "UID"], rows);
}

function shortNumber(value: number): string {
  return String(Number(value.toFixed(3)));
}
