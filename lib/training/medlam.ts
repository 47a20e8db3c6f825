/** Self-supervised training of MedLAM (algorithm.md part 8), on the torch plugin. */
import { callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { checkArguments } from "../base/arguments.js";
import { annotatedScans, boxErrors } from "./annotated.js";
import { trainMedLamOptions } from "./arguments.js";
import { medLamNumbers, type TrainedEpoch, type TrainMedLamOptions } from "./medlam-options.js";
import { settleNumbers } from "./options.js";
import { medLamPanels } from "./panels.js";
import { type Course, meanOf, type TrainedFiles, train } from "./run.js";
import { prepareScans } from "./scans.js";

/** Files that a run leaves in its folder; {@link MedLam.load} reads model and checkpoint. */
export type TrainedMedLam = TrainedFiles;

/** Pairs of patches whose offset is predicted after every epoch. */
const validationPairs = 50;

/**
 * Trains a MedLAM from random weights or those of a checkpoint. A checkpoint is written after every epoch, and when the
 * signal fires, before the call ends with an {@link AbortedError}; resumed, the run goes on to the bit as if it had not been
 * stopped.
 * @throws UnavailableError without the torch plugin; UsageError if a loss is not finite any more; InputError for a scan
 *   that cannot be used, naming it, or a checkpoint of another run.
 */
export async function trainMedLam(options: TrainMedLamOptions): Promise<TrainedMedLam> {
  checkArguments("trainMedLam", { options: [options, trainMedLamOptions] });
  const { validateEvery, ...numbers } = settleNumbers(options, medLamNumbers);
  const { epochs, processes: _, ...ofTrainer } = numbers;
  const { scans, validationScans = [], validationLabels = [] } = options;
  const annotated = annotatedScans(validationScans, validationLabels);
  const { device, normalized, onProgress, onEpoch } = options;
  const { nan, series, resampleSlices, modality } = options;
  const course: Course<"uam" | "mss", TrainedEpoch> = {
    network: "medlam",
    title: "MedLAM",
    model: "medlam.safetensors",
    torchModel: "medlam.pth",
    numbers,
    losses: ["uam", "mss"],
    panels: medLamPanels,
    prepare: async (folder, how) => {
      const prepare = { ...how, normalized };
      return {
        scans: await prepareScans(scans, folder, prepare),
        validationScans: await prepareScans(validationScans, folder, prepare),
      };
    },
    trainer(checkpoint) {
      // A run that is resumed, or starts from a checkpoint, has its sizes.
      const from = checkpoint ?? options.from;
      const sizes = from === undefined ? numbers : { width: 0, patch: 0 };
      return {
        ...ofTrainer,
        from: from ?? "",
        width: options.width ?? sizes.width,
        patch: options.patch ?? sizes.patch,
      };
    },
    summarize: (epoch, done): TrainedEpoch => ({
      epoch,
      uam: meanOf(done, "uam"),
      mss: meanOf(done, "mss"),
      // Two patches of every scan, each clean and augmented.
      patchesPerSecond: (4 * numbers.batch) / meanOf(done, "seconds"),
    }),
    async validate(trainer, epoch, model, call) {
      const found: Partial<TrainedEpoch> = {};
      if (validationScans.length > 0) {
        const { figure } = await callNative(call, (task) =>
          native.validateTrainer(trainer, validationPairs, task),
        );
        found.validationMm = figure;
      }
      const due = epoch % validateEvery === 0 || epoch === epochs;
      if (annotated.length === 0 || !due) return found;
      const reading = { nan, series, resampleSlices, modality };
      const how = { ...call, device, normalized, ...reading, onProgress };
      return { ...found, ...(await boxErrors(model, annotated, how)) };
    },
    onEpoch,
  };
  return train(options, course);
}
