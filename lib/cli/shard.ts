/** Part of the scans that this process works on. */
import { UsageError } from "../base/errors.js";
import type { Shard } from "../index.js";

/**
 * The part that the options name; without `partId` the one that SLURM's array (`SLURM_ARRAY_TASK_ID`, counted from
 * `SLURM_ARRAY_TASK_MIN`) or Kubernetes' indexed job (`JOB_COMPLETION_INDEX`) gives to this process.
 * @throws UsageError if neither gives one, or there is no such part.
 */
export function chooseShard(
  { numParts, partId }: { numParts?: number; partId?: number },
  environment: NodeJS.ProcessEnv,
): Shard | undefined {
  if (numParts === undefined) {
    if (partId === undefined) return undefined;
    throw new UsageError("--part-id needs the number of parts: --num-parts N.");
  }
  const index = partId ?? partFromScheduler(environment);
  if (index === undefined) {
    throw new UsageError(
      "--num-parts needs --part-id, or SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX in the environment.",
    );
  }
  if (index >= 0 && index < numParts) return { index, count: numParts };
  throw new UsageError(
    `Part ${index} of ${numParts}: parts are counted from 0 to ${numParts - 1}.`,
  );
}

function partFromScheduler(environment: NodeJS.ProcessEnv): number | undefined {
  const number = (name: string) => {
    const text = environment[name];
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text)) return Number(text);
    throw new UsageError(
      `The environment variable ${name} is "${text}", which is not the number of a part.`,
    );
  };
  const slurm = number("SLURM_ARRAY_TASK_ID");
  if (slurm !== undefined) return slurm - (number("SLURM_ARRAY_TASK_MIN") ?? 0);
  return number("JOB_COMPLETION_INDEX");
}
