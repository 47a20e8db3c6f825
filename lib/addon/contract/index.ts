/**
 * The addon's exact interface: what native/addon exports, and nothing else. Only lib/ may use it.
 *
 * Arrays are (z, y, x), z slowest. Points are triples (z, y, x) in one flat typed array. Affines are 16 numbers,
 * row-major, voxel (x, y, z, 1) → RAS mm. Every function that returns a promise computes on threads of its own and
 * rejects with an Error whose `code` is one of lib/errors.ts. Arguments are validated in lib/ already; a wrong type
 * here is a bug and throws a TypeError.
 */

import type { CheckpointsAddon } from "./checkpoints.js";
import type { DicomAddon } from "./dicom.js";
import type { DicomMasksAddon } from "./dicom-masks.js";
import type { GridAddon } from "./grid.js";
import type { LocalizationAddon } from "./localization.js";
import type { MasksAddon } from "./masks.js";
import type { MedlamAddon } from "./medlam.js";
import type { MetricsAddon } from "./metrics.js";
import type { PhantomAddon } from "./phantom.js";
import type { RuntimesAddon } from "./runtimes.js";
import type { SamAddon } from "./sam.js";
import type { StepsAddon } from "./steps.js";
import type { TaskAddon } from "./task.js";
import type { TemplatesAddon } from "./templates.js";
import type { TrainingAddon } from "./training.js";
import type { VolumesAddon } from "./volumes.js";

export type * from "./checkpoints.js";
export type * from "./dicom.js";
export type * from "./dicom-masks.js";
export type * from "./grid.js";
export type * from "./handles.js";
export type * from "./localization.js";
export type * from "./masks.js";
export type * from "./medlam.js";
export type * from "./metrics.js";
export type * from "./phantom.js";
export type * from "./runtimes.js";
export type * from "./sam.js";
export type * from "./steps.js";
export type * from "./task.js";
export type * from "./templates.js";
export type * from "./training.js";
export type * from "./volumes.js";

export interface NativeAddon
  extends TaskAddon,
    VolumesAddon,
    DicomAddon,
    GridAddon,
    CheckpointsAddon,
    RuntimesAddon,
    MedlamAddon,
    TemplatesAddon,
    LocalizationAddon,
    SamAddon,
    MasksAddon,
    DicomMasksAddon,
    MetricsAddon,
    TrainingAddon,
    StepsAddon,
    PhantomAddon {}
