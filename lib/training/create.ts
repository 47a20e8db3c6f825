/** Creates a run's trainer, in every process that trains. */
import { join } from "node:path";
import { callNative } from "../addon/call.js";
import type { TrainerHandle } from "../addon/contract/index.js";
import { gpuOfTorch } from "../addon/devices.js";
import { native } from "../addon/loader.js";
import { readyTorch } from "../addon/torch-plugin.js";
import { computeDefaults } from "../base/compute.js";
import type { TrainOptions } from "./options.js";
import { alone, type PeerProcesses, type Peers } from "./peers.js";
import type { PrepareOptions } from "./scans.js";

/** The numbers that a run itself needs, settled. */
export interface RunNumbers {
  steps: number;
  epochs: number;
  processes: number;
}

/** Everything that a network's trainer is created from. */
export interface NetworkTraining {
  network: "medlam" | "sam";
  numbers: RunNumbers;
  /** Prepares the scans in a folder; paths of the prepared files. */
  prepare(
    folder: string,
    options: PrepareOptions,
  ): Promise<{ scans: string[]; validationScans: string[] }>;
  /**
   * The trainer's options under their native names, which are the public ones: all but those that every network takes alike
   * from {@link TrainOptions}. `checkpoint` is that of a run that is resumed.
   */
  trainer(checkpoint: string | undefined): Record<string, unknown>;
}

/**
 * Prepares the scans and creates the trainer; with several processes all of them have theirs when the promise resolves.
 * The native options document (native/torch/training/trainer_options.hpp) is written here and nowhere else.
 * @throws UnavailableError, UsageError, InputError.
 */
export async function createTrainer(
  options: TrainOptions,
  training: NetworkTraining,
  checkpoint: string | undefined,
  others: PeerProcesses,
): Promise<TrainerHandle> {
  const plugin = await readyTorch();
  const { threads = 1, signal, onProgress, peer } = options;
  const { nan, series, resampleSlices, modality } = options;
  const { precision = computeDefaults.precision } = options;
  const wanted = options.device ?? computeDefaults.device;
  const device = await gpuOfTorch(wanted, others.count, options.onFallback);
  const { steps, epochs } = training.numbers;
  const cache = options.cache ?? join(options.folder, "scans");
  const reading = { nan, series, resampleSlices, modality };
  const files = await training.prepare(cache, { threads, signal, onProgress, peer, ...reading });
  const trainer = { ...training.trainer(checkpoint), ...files, precision };
  const document = (where: string, peers: Peers) =>
    JSON.stringify({ [training.network]: { ...trainer, device: where, peers } });
  const create = (text: string) =>
    callNative(options, (task) => native.createTrainer(plugin, text, task));

  if (others.count > 1) {
    const job = { plugin, checkpoint: checkpoint ?? "", steps: steps * epochs, threads };
    const peers = await others.start(job, (peers) => document(deviceOf(device, peers.rank), peers));
    return create(document(deviceOf(device, 0), peers));
  }
  if (peer === undefined) return create(document(device, alone));
  const { rank, count, localRank, host, port } = peer;
  return create(document(deviceOf(device, localRank), { rank, count, host, port, file: "" }));
}

/** Where the process of this rank on its machine computes. */
function deviceOf(device: string, rank: number): string {
  return device === "cuda" ? `cuda:${rank}` : device;
}
