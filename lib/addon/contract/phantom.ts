/** Synthetic CT. */
import type { VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

/** Choices of the seed and the options. Region, arms and contrast are indices into the lists of lib/phantom/regions.ts. */
export interface PhantomFacts {
  sex: "female" | "male";
  /** mm. */
  stature: number;
  region: number;
  arms: number;
  contrast: number;
  /** Names of organs that were taken out. */
  missing: string[];
}

export interface PhantomAddon {
  /** A region or spacing of null and axes of "" are decided by the seed. Realism: a switch for each part, in the order of phantomRealism. */
  makePhantom(
    seed: number,
    options: {
      region: number | null;
      spacing: number[] | null;
      axes: string;
      realism: boolean[];
    },
    task: Task,
  ): Promise<{ image: VolumeHandle; labels: VolumeHandle; about: PhantomFacts }>;
  /** Names in the order of the labels 1, 2, …. */
  phantomOrgans(): string[];
}
