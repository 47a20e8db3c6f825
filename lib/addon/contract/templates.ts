/** Templates (part 4). */
import type { GridHandle, MedLamHandle, TemplatesHandle } from "./handles.js";
import type { Task } from "./task.js";

/** How a template file keeps the features of its points: in half precision, or in four bits a value. */
export type Kernels = "float16" | "int4";

export interface TemplatesInfo {
  handle: TemplatesHandle;
  /** The annotation points in the file. */
  points: number;
  channels: number;
  /** As they are kept in their file, or were in that of the first joined ones. */
  kernels: Kernels;
  /** Mean position of every point in the unified anatomical coordinate system. */
  positions: Float32Array;
  /** How many supports contributed to each point. */
  supports: Int32Array;
  /** Mean cosine between the supports at each point; NaN with fewer than two. */
  agreement: Float32Array;
  metadata: Record<string, string>;
}

export interface SupportCall {
  templates: TemplatesHandle;
  medlam: MedLamHandle;
  grid: GridHandle;
  /** Annotation points on the padded grid. */
  centers: Int32Array;
  /** The template point that each of them belongs to. */
  indices: Int32Array;
  /** Positions come from a survey of the scan. */
  survey: boolean;
}

export interface TemplatesAddon {
  createTemplates(
    call: { medlam: MedLamHandle; points: number },
    task: Task,
  ): Promise<TemplatesHandle>;
  /** Copies of the points of several templates of one network, in their order, which supports can be added to. */
  joinTemplates(parts: readonly TemplatesHandle[], task: Task): Promise<TemplatesHandle>;
  /** Adds one support. Progress has the phases "survey", where one is made, and "support". */
  addSupport(call: SupportCall, task: Task): Promise<void>;
  describeTemplates(templates: TemplatesHandle, task: Task): Promise<Omit<TemplatesInfo, "handle">>;
  writeTemplates(
    call: {
      templates: TemplatesHandle;
      path: string;
      metadata: Record<string, string>;
      kernels: Kernels;
    },
    task: Task,
  ): Promise<void>;
  openTemplates(path: string, task: Task): Promise<TemplatesInfo>;
  /** Kernels of one point, (channels, size³) per scale, as float32. */
  templateKernels(
    call: { templates: TemplatesHandle; point: number },
    task: Task,
  ): Promise<Float32Array[]>;
}
