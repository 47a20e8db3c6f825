/** `medlsam train sam`: SAM on scans and their label maps. */
import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import type { AnnotatedScan, SamSizes, TrainedSamEpoch } from "../index.js";
import { emptyLabels, globalBlocks, samNumbers, samSizeNumbers } from "../training/sam-options.js";
import { addScans, givenScans, parseInteger, parseList } from "./options.js";
import type { Api, Session } from "./session.js";
import { count } from "./text.js";
import {
  addTrainOptions,
  conditionalNumberOption,
  numberOption,
  showTraining,
  type TrainFlags,
} from "./train-options.js";

interface Flags extends TrainFlags {
  labels: string[];
  encoder?: boolean;
  prompts: number;
  jitter: number;
  imageSize?: number;
  patchSize?: number;
  width?: number;
  depth?: number;
  heads?: number;
  mlp?: number;
  window?: number;
  global?: number[];
  channels?: number;
  decoderMlp?: number;
}

const help = `
With --from the mask decoder of that SAM or MedSAM is trained further, with --encoder its image encoder too. Without it a new
SAM of the given sizes is trained from random weights. Prompts are the organs' boxes in the scan, in some slices or on one,
with errors of --jitter on each bound.`;

/** Flags of a new SAM's sizes. */
const sizeFlags: readonly [keyof typeof samSizeNumbers, string, string][] = [
  ["imageSize", "--image-size <n>", "new SAM: edge of a slice in pixels"],
  ["patch", "--patch-size <n>", "edge of a patch in pixels"],
  ["width", "--width <n>", "channels of the image encoder"],
  ["depth", "--depth <n>", "blocks of the image encoder"],
  ["heads", "--heads <n>", "heads of the blocks' attention"],
  ["mlp", "--mlp <n>", "hidden units of the blocks"],
  ["window", "--window <n>", "edge of the window that a block attends to, in patches"],
  ["channels", "--channels <n>", "channels of the embedding, a multiple of 16"],
  ["decoderMlp", "--decoder-mlp <n>", "hidden units of the mask decoder"],
];

export function addTrainSam(train: Command, session: Session): void {
  const { steps, epochs, batch, prompts, learningRate, jitter } = samNumbers;
  const command = addScans(train.command("sam"))
    .description("train SAM on CT scans and their label maps")
    .requiredOption(
      "--labels <path...>",
      "their label maps, in the same order; folders and lists too",
    )
    .option("--valid-images <path...>", "scans on which the Dice is measured after every epoch")
    .option("--valid-labels <path...>", "their label maps")
    .option("--from <checkpoint>", "SAM or MedSAM to start from (.pth, .safetensors)")
    .option("--encoder", "train the image encoder of --from too")
    .addOption(numberOption("--steps <n>", "steps of an epoch", steps))
    .addOption(numberOption("--epochs <n>", "epochs; --lr falls to 0 over all of them", epochs))
    .addOption(numberOption("--batch <n>", "slices of a step", batch))
    .addOption(numberOption("--prompts <n>", "organs prompted on a slice, at most", prompts))
    .addOption(numberOption("--lr <number>", "the highest learning rate", learningRate))
    .addOption(numberOption("--jitter <mm>", "standard deviation of the boxes' bounds", jitter));
  for (const [name, flags, about] of sizeFlags) {
    const size = samSizeNumbers[name];
    command.addOption(conditionalNumberOption(flags, `${about} (default: ${size.default})`, size));
  }
  command
    .option(
      "--global <list>",
      `blocks that attend to the whole slice, from 0 (default: ${globalBlocks.join(",")})`,
      parseBlocks,
    )
    .addHelpText("after", help);
  addTrainOptions(command).action((inputs: string[], flags: Flags) =>
    trainSam(inputs, flags, session),
  );
}

/** "1,3" → [1, 3]; "none" → []. */
function parseBlocks(text: string): number[] {
  return text === "none" ? [] : parseList(text).map(parseInteger(0, 255));
}

async function trainSam(inputs: string[], flags: Flags, session: Session): Promise<void> {
  const { output, labels, validImages, validLabels, encoder, prompts, jitter } = flags;
  if ((validImages === undefined) !== (validLabels === undefined)) {
    throw new UsageError("--valid-images and --valid-labels belong together.");
  }
  const images = givenScans(inputs, flags);
  const api = await session.api();
  const scans = await pairs(api, images, labels);
  const validationScans =
    validImages === undefined || validLabels === undefined
      ? []
      : await pairs(api, validImages, validLabels);
  await showTraining(flags, session, async (options, progress) => {
    let last: TrainedSamEpoch | undefined;
    const trained = await api.trainSam({
      ...options,
      encoder,
      prompts,
      jitter,
      sizes: sizesOf(flags),
      scans,
      validationScans,
      onEpoch: (epoch) => {
        last = epoch;
        progress.say(`${output}: ${describe(epoch)}`);
        for (const label of emptyLabels(epoch.labelDice ?? {})) {
          progress.say(`${output}: warning: the masks of label ${label} are empty on other scans`);
        }
      },
    });
    progress.say(`${trained.model}: SAM after ${count(trained.steps, "step")}`);
    for (const [label, dice] of Object.entries(last?.labelDice ?? {})) {
      progress.say(`  label ${label}: Dice ${dice.toFixed(3)}`);
    }
  });
}

function sizesOf({ patchSize, global, ...flags }: Flags): SamSizes {
  const { imageSize, width, depth, heads, mlp, window, channels, decoderMlp } = flags;
  const encoder = { imageSize, patch: patchSize, width, depth, heads, mlp, window };
  return { ...encoder, globalBlocks: global, channels, decoderMlp };
}

/** Images and label maps, paired by their order. */
async function pairs(api: Api, images: string[], labels: string[]): Promise<AnnotatedScan[]> {
  const [scans, maps] = [await api.listImages(images), await api.listImages(labels)];
  if (scans.length !== maps.length) {
    throw new UsageError(
      `${count(scans.length, "scan")} but ${count(maps.length, "label map")}: every scan needs one, in the same order.`,
    );
  }
  return scans.map((image, i) => ({ image, labels: maps[i] as string }));
}

function describe(trained: TrainedSamEpoch): string {
  const { epoch, dice, crossEntropy, slicesPerSecond, validationDice, labelDice = {} } = trained;
  const parts = [
    `Dice loss ${dice.toFixed(3)}`,
    `cross-entropy ${crossEntropy.toFixed(4)}`,
    ...(validationDice === undefined
      ? []
      : [`Dice ${validationDice.toFixed(3)} on other scans${describeWorst(labelDice)}`]),
    `${slicesPerSecond.toFixed(1)} slices/s`,
  ];
  return `epoch ${epoch}: ${parts.join(", ")}`;
}

/** The three labels of the lowest Dice: a mean does not show that one organ stays empty. */
function describeWorst(labelDice: Record<string, number>): string {
  const worst = Object.entries(labelDice)
    .sort(([, a], [, b]) => a - b)
    .slice(0, 3);
  if (worst.length < 2) return "";
  return ` (lowest: ${worst.map(([label, dice]) => `label ${label} ${dice.toFixed(3)}`).join(", ")})`;
}
