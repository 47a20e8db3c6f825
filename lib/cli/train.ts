/** `medlsam train`: networks of one's own. */
import type { Command } from "commander";
import type { TrainedEpoch } from "../index.js";
import { nanOption, normalizedOption, parseInteger, parseNumber } from "./options.js";
import type { Session } from "./session.js";
import { count } from "./text.js";
import { addTrainOptions, showTraining, type TrainFlags } from "./train-options.js";
import { addTrainSam } from "./train-sam.js";

interface Flags extends TrainFlags {
  valid?: string;
  validLabels?: string;
  validateEvery: number;
  width?: number;
  patch?: number;
  uamSteps: number;
  foreground?: number;
  processes?: number;
  from?: string;
  batch: number;
  normalized?: boolean;
  nan?: number;
}

export function addTrain(program: Command, session: Session): void {
  const command = program
    .command("train")
    .description("train a network (needs the torch plugin: npm run build:torch)");
  const medlam = command
    .command("medlam")
    .description("train MedLAM on CT scans, without labels")
    .requiredOption("--images <path>", "CT scans: a .txt list, one path a line, or a folder")
    .option("--valid <path>", "scans to measure the error in mm on after every epoch")
    .option("--valid-labels <path>", "their label maps: boxes are compared while training")
    .option("--validate-every <n>", "epochs between comparisons of boxes", parseInteger(1, 1e6), 1)
    .option("--from <file>", "start from a MedLAM's weights; a published .tar brings Adam's state")
    .option(
      "--width <n>",
      "base width B (24, or that of --from; a multiple widens it)",
      parseInteger(1, 1024),
    )
    .option("--patch <n>", "edge of a patch, a multiple of 16 (64)", parseInteger(32, 256))
    .option("--steps <n>", "steps of an epoch", parseInteger(1, 1e9), 1000)
    .option("--epochs <n>", "epochs", parseInteger(1, 1e6), 300)
    .option(
      "--uam-steps <n>",
      "first steps, which train positions alone at a tenth of the time",
      parseInteger(0, 1e9),
      0,
    )
    .option(
      "--foreground <hu>",
      "HU from which on patches and points are drawn; -900 leaves noisy air out (default: -1000)",
      parseNumber(-1000, 3000),
    )
    .option("--batch <n>", "scans of a step", parseInteger(1, 1024), 4)
    .option(
      "--lr <number>",
      "learning rate; × 0.8 after every 10 epochs",
      parseNumber(0, 1e3),
      1e-4,
    )
    .option("--processes <n>", "that share every batch, on this machine (1)", parseInteger(1, 64))
    .addOption(normalizedOption())
    .addOption(nanOption());
  addTrainOptions(medlam).action((flags: Flags) => train(flags, session));
  addTrainSam(command, session);
}

async function train(flags: Flags, session: Session): Promise<void> {
  const { output, lr, images, valid, validLabels, quiet, ...numbers } = flags;
  const api = await session.api();
  const { listImages, peerFromEnvironment } = api;
  const scans = await listImages([images]);
  const validationScans = valid === undefined ? [] : await listImages([valid]);
  const validationLabels = validLabels === undefined ? [] : await listImages([validLabels]);
  const peer = flags.processes === undefined ? peerFromEnvironment(process.env) : undefined;
  const shown = { ...flags, quiet: flags.quiet || (peer !== undefined && peer.rank > 0) };
  await showTraining(shown, session, async (progress) => {
    const trained = await api.trainMedLam({
      ...numbers,
      ...(peer && { peer }),
      scans,
      validationScans,
      validationLabels,
      folder: output,
      learningRate: lr,
      signal: session.signal,
      onProgress: progress.follow(output),
      onEpoch: (epoch) => progress.say(`${output}: ${inWords(epoch)}`),
    });
    progress.say(`${trained.model}: MedLAM after ${count(trained.steps, "step")}`);
  });
}

function inWords(trained: TrainedEpoch): string {
  const { epoch, uam, mss, patchesPerSecond, validationMm, iou, wdMm } = trained;
  const parts = [
    `UAM ${Math.sqrt(uam).toFixed(1)} mm`,
    `MSS ${mss.toFixed(3)}`,
    ...(validationMm === undefined ? [] : [`${validationMm.toFixed(1)} mm on other scans`]),
    ...(iou === undefined ? [] : [`IoU ${iou.toFixed(3)}`]),
    ...(wdMm === undefined ? [] : [`WD ${wdMm.toFixed(1)} mm`]),
    `${patchesPerSecond.toFixed(2)} patches/s`,
  ];
  return `epoch ${epoch}: ${parts.join(", ")}`;
}
