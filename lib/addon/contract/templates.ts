/** Templates (part 4). */
import type { GridHandle, MedLamHandle, TemplatesHandle } from "./handles.js";
import type { Landmarks } from "./localization.js";
import type { Task } from "./task.js";

export interface TemplatesInfo {
  handle: TemplatesHandle;
  /** The annotation points in the file. */
  points: number;
  channels: number;
  /** Mean position of every point in the unified anatomical coordinate system. */
  positions: Float32Array;
  /** How many supports contributed to each point. */
  supports: Int32Array;
  /** Mean cosine between the supports at each point; NaN with fewer than two. */
  agreement: Float32Array;
  metadata: Record<string, string>;
}

export interface TemplatesAddon {
  createTemplates(medlam: MedLamHandle, points: number, task: Task): Promise<TemplatesHandle>;
  /** Adds one support: the patch at centers[i] contributes to point indices[i]; its position is what a survey that is not empty says. */
  addSupport(
    templates: TemplatesHandle,
    medlam: MedLamHandle,
    grid: GridHandle,
    survey: Landmarks,
    centers: Int32Array,
    indices: Int32Array,
    task: Task,
  ): Promise<void>;
  describeTemplates(templates: TemplatesHandle, task: Task): Promise<Omit<TemplatesInfo, "handle">>;
  writeTemplates(
    templates: TemplatesHandle,
    path: string,
    metadata: Record<string, string>,
    task: Task,
  ): Promise<void>;
  openTemplates(path: string, task: Task): Promise<TemplatesInfo>;
  /** Kernels of one point, (channels, size³) per scale, as float32. */
  templateKernels(templates: TemplatesHandle, point: number): Float32Array[];
}
