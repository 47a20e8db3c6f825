/** `medlsam train sam`: SAM on scans and their label maps. */
import type { Command } from "commander";
import { UsageError } from "../base/errors.js";
import type { AnnotatedScan, SamSizes, TrainedSamEpoch } from "../index.js";
import { nanOption, parseInteger, parseList, parseNumber } from "./options.js";
import type { Api, Session } from "./session.js";
import { count } from "./text.js";
import { addTrainOptions, showTraining, type TrainFlags } from "./train-options.js";

interface Flags extends TrainFlags {
  labels: string;
  validImages?: string;
  validLabels?: string;
  from?: string;
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
  nan?: number;
}

const help = `
With --from the mask decoder of that SAM or MedSAM is trained on, with --encoder its image encoder too. Without it a new SAM
is trained from random weights; its sizes are for this alone. Boxes are the organs' in the scan, in some slices or on one, and
err as --jitter says.`;

export function addTrainSam(train: Command, session: Session): void {
  const command = train
    .command("sam")
    .description("train SAM on CT scans and their label maps")
    .requiredOption("--images <path>", "CT scans: a .txt list, one path a line, or a folder")
    .requiredOption("--labels <path>", "their label maps, in the same order")
    .option("--valid-images <path>", "scans to measure the Dice on after every epoch")
    .option("--valid-labels <path>", "their label maps")
    .option("--from <checkpoint>", "SAM or MedSAM to go on from (.pth, .safetensors)")
    .option("--encoder", "train the image encoder of --from too")
    .option("--steps <n>", "steps of an epoch", parseInteger(1, 1e9), 1000)
    .option("--epochs <n>", "epochs; they settle how --lr falls", parseInteger(1, 1e6), 20)
    .option("--batch <n>", "slices of a step", parseInteger(1, 1024), 1)
    .option("--prompts <n>", "organs prompted on a slice, at most", parseInteger(1, 256), 8)
    .option("--lr <number>", "learning rate at its height", parseNumber(0, 1e3), 1e-4)
    .option("--jitter <mm>", "standard deviation of the boxes' bounds", parseNumber(0, 1000), 4)
    .option("--image-size <n>", "new SAM: edge of a slice in pixels (256)", parseInteger(16, 8192))
    .option("--patch-size <n>", "edge of a patch in pixels (8)", parseInteger(1, 256))
    .option("--width <n>", "of the image encoder (128)", parseInteger(1, 8192))
    .option("--depth <n>", "its blocks (4)", parseInteger(1, 256))
    .option("--heads <n>", "of its attention (4)", parseInteger(1, 256))
    .option("--mlp <n>", "its hidden units (512)", parseInteger(1, 65536))
    .option("--window <n>", "what a block sees, in patches (8)", parseInteger(1, 1024))
    .option("--global <list>", "blocks that see the whole slice, from 0 (1,3)", parseBlocks)
    .option("--channels <n>", "of the embedding, a multiple of 16 (64)", parseInteger(16, 4096))
    .option("--decoder-mlp <n>", "hidden units of the mask decoder (512)", parseInteger(1, 65536))
    .addOption(nanOption())
    .addHelpText("after", help);
  addTrainOptions(command).action((flags: Flags) => trainSam(flags, session));
}

/** "1,3" → [1, 3]; "none" → []. */
function parseBlocks(text: string): number[] {
  return text === "none" ? [] : parseList(text).map(parseInteger(0, 255));
}

async function trainSam(flags: Flags, session: Session): Promise<void> {
  const { output, lr, images, labels, validImages, validLabels } = flags;
  if ((validImages === undefined) !== (validLabels === undefined)) {
    throw new UsageError("--valid-images and --valid-labels belong together.");
  }
  const api = await session.api();
  const scans = await pairs(images, labels, api);
  const validationScans =
    validImages === undefined || validLabels === undefined
      ? []
      : await pairs(validImages, validLabels, api);
  await showTraining(flags, session, async (progress) => {
    const { from, encoder, prompts, jitter, cache, steps, epochs, batch, seed } = flags;
    const { resume, device, precision, threads, loaders, microBatch, nan } = flags;
    const trained = await api.trainSam({
      ...{ from, encoder, prompts, jitter, cache, steps, epochs, batch, seed },
      ...{ resume, device, precision, threads, loaders, microBatch, nan },
      sizes: sizesOf(flags),
      scans,
      validationScans,
      folder: output,
      learningRate: lr,
      signal: session.signal,
      onProgress: progress.follow(output),
      onEpoch: (epoch) => progress.say(`${output}: ${inWords(epoch)}`),
    });
    progress.say(`${trained.model}: SAM after ${count(trained.steps, "step")}`);
  });
}

function sizesOf(flags: Flags): SamSizes {
  const { imageSize, width, depth, heads, mlp, window, channels, decoderMlp } = flags;
  const { patchSize: patch, global: globalBlocks } = flags;
  return { imageSize, patch, width, depth, heads, mlp, window, globalBlocks, channels, decoderMlp };
}

/** Images and label maps, paired by their order. */
async function pairs(
  images: string,
  labels: string,
  { listImages }: Api,
): Promise<AnnotatedScan[]> {
  const [scans, maps] = [await listImages([images]), await listImages([labels])];
  if (scans.length !== maps.length) {
    throw new UsageError(
      `${images} has ${count(scans.length, "scan")}, ${labels} ${count(maps.length, "label map")}: every scan needs one, ` +
        "in the same order.",
    );
  }
  return scans.map((image, i) => ({ image, labels: maps[i] as string }));
}

function inWords({
  epoch,
  dice,
  crossEntropy,
  slicesPerSecond,
  validationDice,
}: TrainedSamEpoch): string {
  const valid =
    validationDice === undefined ? "" : `, Dice ${validationDice.toFixed(3)} on other scans`;
  const losses = `Dice loss ${dice.toFixed(3)}, cross-entropy ${crossEntropy.toFixed(4)}`;
  return `epoch ${epoch}: ${losses}${valid}, ${slicesPerSecond.toFixed(1)} slices/s`;
}
