/** `medlsam segment`: the organs of one image or of a dataset as masks. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { type OutputFormat, outputFormats } from "../formats/mask-formats.js";
import { type PreviewPlane, previewPlanes } from "../formats/preview-planes.js";
import type { ScanCase, ScanResult } from "../index.js";
import { seriesCases, withoutSeries } from "./dicom-options.js";
import { followCases, showEvents } from "./follow.js";
import { checkModels, type Model, noneFound } from "./model-flags.js";
import {
  modelOption,
  modelsOption,
  parseInteger,
  parseList,
  scansHelp,
  setStrategyOption,
} from "./options.js";
import { checkFolder, checkWritable } from "./output.js";
import { createProgress } from "./progress.js";
import {
  addLocatingOptions,
  addRunOptions,
  loadPipeline,
  runOptions,
  type ScanFlags,
} from "./scan-options.js";
import type { Session } from "./session.js";
import { count, formatSeconds } from "./text.js";

interface Flags extends ScanFlags {
  output: string;
  boxes?: string;
  points?: string;
  outputFormat: OutputFormat[];
  referenceDicom?: string;
  codes?: string;
  holes: "keyholes" | "nested";
  ml?: boolean;
  largestComponent?: boolean;
  minVoxels?: number;
  statistics?: boolean;
  preview?: boolean;
  previewPlanes?: PreviewPlane[];
  page?: boolean;
}

export function addSegment(program: Command, session: Session): void {
  const command = program
    .command("segment")
    .description("find organs in CT scans (NIfTI) and segment them: masks")
    .argument("<image...>", scansHelp)
    .requiredOption("-o, --output <folder>", "results go to FOLDER/NAME/ for NAME.nii.gz")
    .addOption(modelOption("sam"))
    .addOption(modelOption("templates"))
    .addOption(modelOption("medlam"))
    .addOption(modelsOption())
    .addOption(setStrategyOption())
    .option(
      "--boxes <path>",
      "boxes instead of templates: JSON of localize or segment, Slicer ROIs; or a folder of NAME.json",
    )
    .option("--points <path>", "points to prompt with: Slicer point lists or JSON; or a folder");
  addLocatingOptions(command)
    .addOption(
      new Option(
        "--output-format <list>",
        `what masks are written as, separated by commas: ${outputFormats.join(", ")}; DICOM's refer to the scan's images`,
      )
        .argParser((text) => parseChoices(text, outputFormats))
        .default(["nifti"], "nifti"),
    )
    .option(
      "--reference-dicom <folder>",
      "the DICOM series that a NIfTI scan was made of: what a SEG or RTSTRUCT refers to",
    )
    .option("--codes <file>", "JSON with codes of organs, before the package's own, for DICOM")
    .addOption(
      new Option("--holes <how>", "rtstruct: holes joined by channels, or contours to be XORed")
        .choices(["keyholes", "nested"])
        .default("keyholes"),
    )
    .option("--ml", "one label map, segmentation.nii.gz, instead of a mask per organ")
    .option("--largest-component", "keep only the largest connected part of each mask")
    .option(
      "--min-voxels <n>",
      "remove connected parts of fewer voxels",
      parseInteger(0, 2 ** 31 - 1),
    )
    .option("--statistics", "also statistics.json: volume (mm³) and mean intensity of each organ")
    .option("--preview", "also preview.png: the middle slices with contours, boxes and a legend")
    .addOption(
      new Option(
        "--preview-planes <list>",
        `planes of the preview's slices, separated by commas: ${previewPlanes.join(", ")}; default: all`,
      )
        .argParser((text) => parseChoices(text, previewPlanes))
        .implies({ preview: true }),
    )
    .option("--page", "also page.html: scan, masks and boxes, for a browser");
  addRunOptions(command)
    .addHelpText(
      "after",
      "\nEvery scan gets a folder: <organ>.nii.gz for each organ (or --ml), and boxes.json, which appears last.",
    )
    .action(async (inputs: string[], flags: Flags) => {
      session.exitCode = await segmentAll(inputs, flags, session);
    });
}

async function segmentAll(inputs: string[], flags: Flags, session: Session): Promise<number> {
  const needed = neededModels(flags);
  const options = runOptions(flags, session.signal);
  const { output, ml: labelMap, statistics, page, quiet = false } = flags;
  const { preview, previewPlanes } = flags;
  const { boxes, points, largestComponent, minVoxels, holes } = flags;
  const api = await session.api();
  const images = await api.listImages(inputs);
  const series = await seriesCases(images, flags, api, session.signal);
  const cases = series ?? api.casesOf(images);
  if (flags.referenceDicom !== undefined && cases.length > 1) {
    throw new UsageError("--reference-dicom is the series of one scan: give scans one at a time.");
  }
  const codes = flags.codes === undefined ? undefined : await api.readOrganCodes(flags.codes);
  checkFolder(output);
  if (flags.report !== undefined) checkWritable(flags.report, images);
  const progress = createProgress(quiet, session.signal);
  const pipeline = await loadPipeline(flags, needed, session, progress);
  const subject = ({ image }: ScanCase) => image;
  const outcomes = pipeline.runAll(cases, {
    ...options,
    ...{ output, boxes, points, labelMap, statistics, preview, previewPlanes, page },
    ...{ largestComponent, minVoxels, codes, holes },
    ...{ formats: flags.outputFormat, reference: flags.referenceDicom },
    settings: withoutSeries(flags),
    onEvent: showEvents(progress, subject),
  });
  return followCases(outcomes, {
    ...{ progress, subject },
    done: (result, each) => summary(result, each, flags),
  });
}

/** "seg,rtstruct" → ["seg", "rtstruct"]. */
function parseChoices<Choice extends string>(text: string, choices: readonly Choice[]): Choice[] {
  return parseList(text).map((word) => {
    const choice = choices.find((each) => each === word.toLowerCase());
    if (choice !== undefined) return choice;
    throw new InvalidArgumentError(`Give some of ${choices.join(", ")}.`);
  });
}

/** @throws UsageError for flags that give too little or too much for the organs' places. */
function neededModels(flags: Flags): Model[] {
  const { models, templates, medlam, boxes, points } = flags;
  checkModels(flags, ["sam"]);
  if (boxes !== undefined || points !== undefined) {
    if (templates !== undefined || medlam !== undefined) {
      throw new UsageError("Give either -t and --medlam, or --boxes and --points.");
    }
    return ["sam"];
  }
  if (models === undefined) {
    if (templates === undefined && medlam === undefined) {
      throw new UsageError(
        "Say where the organs are: with templates and their network (-t FILE --medlam FILE), or with --boxes or --points. (To try it out: --models demo.)",
      );
    }
    if (templates === undefined) throw new UsageError("--medlam needs templates: -t FILE.");
    if (medlam === undefined) {
      throw new UsageError("-t needs the network that made it: --medlam FILE.");
    }
  }
  return ["templates", "medlam", "sam"];
}

function summary({ counts, seconds }: ScanResult, { image }: ScanCase, flags: Flags): string {
  const { organs, present, encoderRuns } = counts;
  const time = formatSeconds(seconds.total);
  if (present === 0) {
    return `${image}: ${noneFound(organs, flags)}; the masks are empty (${time})`;
  }
  const organText = `${count(organs, "organ")}, ${present} present`;
  return `${image}: ${organText}, ${count(encoderRuns, "slice")} encoded, ${time}`;
}
