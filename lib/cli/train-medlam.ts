/** `medlsam train medlam`: MedLAM on scans without labels. */
import { type Command, Option } from "commander";
import type { TrainedEpoch } from "../index.js";
import { medLamNumbers } from "../training/medlam-options.js";
import { addScans, givenScans, normalizedOption } from "./options.js";
import type { Session } from "./session.js";
import { count } from "./text.js";
import {
  addTrainOptions,
  conditionalNumberOption,
  numberOption,
  showTraining,
  type TrainFlags,
} from "./train-options.js";

interface Flags extends TrainFlags {
  /** The former name of --valid-images. */
  valid?: string[];
  validateEvery: number;
  width?: number;
  patch?: number;
  uamSteps: number;
  foreground: number;
  normalized?: boolean;
}

export function addTrainMedLam(train: Command, session: Session): void {
  const { width, patch, steps, epochs, batch, uamSteps } = medLamNumbers;
  const { learningRate, foreground, validateEvery } = medLamNumbers;
  const ofFrom = (usual: number) => `(default: ${usual}, or that of --from)`;
  const command = addScans(train.command("medlam"))
    .description("train MedLAM on CT scans, without labels")
    .option(
      "--valid-images <path...>",
      "scans on which the error in mm is measured after every epoch",
    )
    .addOption(new Option("--valid <path...>").hideHelp().conflicts("validImages"))
    .option("--valid-labels <path...>", "their label maps: boxes are compared while training")
    .addOption(
      numberOption("--validate-every <n>", "epochs between comparisons of boxes", validateEvery),
    )
    .option("--from <file>", "start from a MedLAM's weights; a published .tar brings Adam's state")
    .addOption(
      conditionalNumberOption(
        "--width <n>",
        `base width B; a multiple of that of --from widens it ${ofFrom(width.default)}`,
        width,
      ),
    )
    .addOption(
      conditionalNumberOption(
        "--patch <n>",
        `edge of a patch, a multiple of 16 ${ofFrom(patch.default)}`,
        patch,
      ),
    )
    .addOption(numberOption("--steps <n>", "steps of an epoch", steps))
    .addOption(numberOption("--epochs <n>", "epochs", epochs))
    .addOption(
      numberOption(
        "--uam-steps <n>",
        "first steps, which train positions alone at a tenth of the time",
        uamSteps,
      ),
    )
    .addOption(
      numberOption(
        "--foreground <hu>",
        "HU from which on patches and points are drawn; -900 leaves noisy air out",
        foreground,
      ),
    )
    .addOption(numberOption("--batch <n>", "scans of a step", batch))
    .addOption(
      numberOption("--lr <number>", "learning rate; × 0.8 after every 10 epochs", learningRate),
    )
    .addOption(normalizedOption());
  addTrainOptions(command).action((inputs: string[], flags: Flags) =>
    trainMedLam(inputs, flags, session),
  );
}

async function trainMedLam(inputs: string[], flags: Flags, session: Session): Promise<void> {
  const { output, validImages = flags.valid ?? [], validLabels = [], normalized } = flags;
  const { validateEvery, width, patch, uamSteps, foreground } = flags;
  const images = givenScans(inputs, flags);
  const api = await session.api();
  const scans = await api.listImages(images);
  const validationScans = await api.listImages(validImages);
  const validationLabels = await api.listImages(validLabels);
  await showTraining(flags, session, async (options, progress) => {
    let last: TrainedEpoch | undefined;
    const own = { validateEvery, width, patch, uamSteps, foreground, normalized };
    const trained = await api.trainMedLam({
      ...options,
      ...own,
      scans,
      validationScans,
      validationLabels,
      onEpoch: (epoch) => {
        last = epoch;
        progress.say(`${output}: ${describe(epoch)}`);
      },
    });
    progress.say(`${trained.model}: MedLAM after ${count(trained.steps, "step")}`);
    for (const [organ, iou] of Object.entries(last?.organIou ?? {})) {
      progress.say(`  ${organ}: IoU ${iou.toFixed(3)}`);
    }
  });
}

function describe(trained: TrainedEpoch): string {
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
