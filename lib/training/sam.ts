/** Training of SAM on annotated scans, on the torch plugin. */
import { callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { checkArguments } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { trainSamOptions } from "./arguments.js";
import { settleNumbers } from "./options.js";
import { samPanels } from "./panels.js";
import { type Course, meanOf, type TrainedFiles, train } from "./run.js";
import {
  globalBlocks,
  samNumbers,
  samSizeNumbers,
  type TrainedSamEpoch,
  type TrainSamOptions,
} from "./sam-options.js";
import { prepareAnnotatedScans } from "./scans.js";

/** Files that a run leaves in its folder; {@link Sam.load} reads model and checkpoint. */
export type TrainedSam = TrainedFiles;

/** Slices of each validation scan that are segmented after every epoch. */
const validationSlices = 24;

/**
 * Trains a SAM: the mask decoder of a published one, all of it, or a new one from random weights. Checkpoints and
 * resuming are as for {@link trainMedLam}.
 * @throws UnavailableError without the torch plugin; UsageError if a loss is not finite any more; InputError for a scan
 *   or label map that cannot be used, naming it, a checkpoint that is not a SAM or of another run.
 */
export async function trainSam(options: TrainSamOptions): Promise<TrainedSam> {
  checkArguments("trainSam", { options: [options, trainSamOptions] });
  const numbers = settleNumbers(options, samNumbers);
  const sizes = {
    ...settleNumbers(options.sizes ?? {}, samSizeNumbers),
    globalBlocks: options.sizes?.globalBlocks ?? globalBlocks,
  };
  checkStart(options);
  const { scans, validationScans = [], from = "", encoder = false, onEpoch } = options;
  const { processes: _, ...ofTrainer } = numbers;
  const course: Course<"dice" | "crossEntropy" | "iou", TrainedSamEpoch> = {
    network: "sam",
    title: "SAM",
    model: "sam.safetensors",
    numbers,
    losses: ["dice", "crossEntropy", "iou"],
    panels: samPanels,
    prepare: async (folder, how) => ({
      scans: await prepareAnnotatedScans(scans, folder, how),
      validationScans: await prepareAnnotatedScans(validationScans, folder, how),
    }),
    trainer: () => ({ ...ofTrainer, from, encoder, sizes }),
    summarize: (epoch, done): TrainedSamEpoch => ({
      epoch,
      dice: meanOf(done, "dice"),
      crossEntropy: meanOf(done, "crossEntropy"),
      iou: meanOf(done, "iou"),
      slicesPerSecond: numbers.batch / meanOf(done, "seconds"),
    }),
    async validate(trainer, _epoch, _model, call) {
      if (validationScans.length === 0) return {};
      const { figure, labels } = await callNative(call, (task) =>
        native.validateTrainer(trainer, validationSlices, task),
      );
      return { validationDice: figure, labelDice: labels };
    },
    onEpoch,
  };
  return train(options, course);
}

function checkStart({ from, encoder, sizes = {} }: TrainSamOptions): void {
  if (from !== undefined && Object.values(sizes).some((size) => size !== undefined)) {
    throw new UsageError(
      "Sizes cannot be given with a checkpoint to start from: it determines them.",
    );
  }
  if (from === undefined && encoder) {
    throw new UsageError(
      "A new SAM is trained whole; to train an encoder further, name the checkpoint to start from.",
    );
  }
}
