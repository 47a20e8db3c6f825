/** Localization (part 5). */
import type { GridHandle, MedLamHandle, TemplatesHandle } from "./handles.js";
import type { Task } from "./task.js";

/** Patches of a scan: their centres [z, y, x] on its padded grid, one after the other, and their positions in UAM. */
export interface Landmarks {
  centers: Int32Array;
  positions: Float32Array;
}

export interface SearchResult {
  /** Where each point moved to, on the padded grid. */
  points: Int32Array;
  /** The similarity map's maximum: 1 + the sum over scales. */
  peaks: Float32Array;
  /** How many patches the network really ran on. */
  patches: number;
  networkSeconds: number;
  similaritySeconds: number;
}

export interface LocalizationAddon {
  /** Part 5.1: the positions of patches at these centres. */
  lookAt(
    medlam: MedLamHandle,
    grid: GridHandle,
    centers: Int32Array,
    task: Task,
  ): Promise<Landmarks>;
  /** The same of patches all over the scan. */
  surveyScan(medlam: MedLamHandle, grid: GridHandle, task: Task): Promise<Landmarks>;
  /** Part 5.2, and what a survey that is not empty adds: where template points indices[i] lie. */
  placePoints(
    query: Landmarks,
    survey: Landmarks,
    grid: GridHandle,
    templates: TemplatesHandle,
    indices: Int32Array,
    task: Task,
  ): Promise<Int32Array>;
  /** Part 5.3: from each start (clamped) the point of template indices[i] is searched; `near` prefers what is near the start. */
  search(
    medlam: MedLamHandle,
    grid: GridHandle,
    templates: TemplatesHandle,
    starts: Int32Array,
    indices: Int32Array,
    scales: number[],
    near: boolean,
    task: Task,
  ): Promise<SearchResult>;
}
