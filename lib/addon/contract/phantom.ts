/** Synthetic CT. */
import type { VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

export type PhantomRegion = "whole" | "trunk" | "abdomen" | "thorax" | "head";

export interface PhantomAbout {
  sex: "female" | "male";
  /** mm. */
  stature: number;
  region: PhantomRegion;
  arms: "up" | "down" | "absent";
  /** The phase of contrast medium. */
  contrast: "none" | "arterial" | "portal-venous";
  /** Names of organs that were taken out. */
  missing: string[];
}

export interface PhantomAddon {
  /** Region and axes "" and spacing null are decided by the seed. */
  makePhantom(
    seed: number,
    options: { region: PhantomRegion | ""; spacing: number[] | null; axes: string },
    task: Task,
  ): Promise<{ image: VolumeHandle; labels: VolumeHandle; about: PhantomAbout }>;
  /** Names in the order of the labels 1, 2, …. */
  phantomOrgans(): string[];
}
