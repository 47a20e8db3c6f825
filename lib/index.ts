/**
 * medlsam: localize any organ in a CT from a few annotated examples (MedLAM of MedLSAM, arXiv 2306.14752).
 * Everything public is exported here. No call blocks the event loop; every long one takes an AbortSignal.
 */
export { Checkpoint, type TensorInfo } from "./checkpoints/checkpoint.js";
export {
  AbortedError,
  type ErrorCode,
  errorCodes,
  InputError,
  InternalError,
  MedLsamError,
  OutputError,
  UnavailableError,
  UsageError,
} from "./errors.js";
export { type Info, info } from "./info.js";
export { type LocalizeOptions, localize } from "./localize/localize.js";
export { type RoiMarkup, type RoiMarkups, roiMarkups } from "./localize/markups.js";
export { MedLam } from "./localize/medlam.js";
export type { Box, Localization, OrganLocalization, Scale } from "./localize/result.js";
export type { CallOptions, Progress } from "./native/call.js";
export type {
  Conventions,
  ForwardResult,
  Precision,
  StoredType,
  VoxelArray,
} from "./native/contract.js";
export type { RuntimeOptions } from "./native/runtime.js";
export * as steps from "./steps.js";
export { type BuildOptions, buildTemplates } from "./templates/build.js";
export { type ExtremePoints, type Point, readExtremePoints } from "./templates/extreme-points.js";
export { labelNamesFromXml, labelTableXml, readLabelNames } from "./templates/label-names.js";
export type { Support } from "./templates/supports.js";
export {
  type Strategy,
  type TemplateOrgan,
  Templates,
  type TemplatesDescription,
} from "./templates/templates.js";
export {
  type TrainedEpoch,
  type TrainedMedLam,
  type TrainMedLamOptions,
  trainMedLam,
} from "./train/medlam.js";
export { readScanList } from "./train/scans.js";
export { type Triple, Volume, type VolumeGeometry } from "./volumes/volume.js";
