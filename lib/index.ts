/**
 * medlsam: localize and segment any organ in a CT from a few annotated examples (MedLSAM, arXiv 2306.14752).
 * Everything public is exported here. No call blocks the event loop; every long one takes an AbortSignal.
 */
export {
  Checkpoint,
  type CheckpointWriteOptions,
  type TensorInfo,
} from "./checkpoints/checkpoint.js";
export { type DemoModels, demoModels } from "./demo/models.js";
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
export { type EvaluateOptions, evaluate } from "./evaluate/evaluate.js";
export type {
  CaseEvaluation,
  EvaluationSummary,
  MetricName,
  OrganEvaluation,
  OrganExtent,
  OrganMetrics,
  OrganSummary,
  Outcome,
  Spread,
} from "./evaluate/result.js";
export type { MaskSource } from "./evaluate/sources.js";
export { summarizeEvaluations } from "./evaluate/summary.js";
export { casesCsv, evaluationCsv, evaluationMarkdown } from "./evaluate/tables.js";
export { type Info, info } from "./info.js";
export { Grid, type GridOptions } from "./localize/grid.js";
export { type LocalizeOptions, localize } from "./localize/localize.js";
export { type RoiMarkup, type RoiMarkups, roiMarkups } from "./localize/markups.js";
export { MedLam } from "./localize/medlam.js";
export type { Box, Localization, OrganLocalization, Scale } from "./localize/result.js";
export type { CallOptions, Progress } from "./native/call.js";
export type {
  Conventions,
  ForwardResult,
  PhantomAbout,
  PhantomRegion,
  Precision,
  StoredType,
  VoxelArray,
} from "./native/contract.js";
export type { RuntimeOptions } from "./native/runtime.js";
export {
  makePhantom,
  type Phantom,
  type PhantomOptions,
  phantomNames,
  phantomRegions,
} from "./phantoms/phantom.js";
export { mergePrompts, readBoxes, readPoints } from "./segment/prompt-files.js";
export type { OrganPrompt, PromptedOrgan, PromptPoint } from "./segment/prompts.js";
export { Sam, type SlicePrediction, type SlicePrompt } from "./segment/sam.js";
export { type SegmentationRun, type SegmentOptions, segment } from "./segment/segment.js";
export {
  type MaskFilter,
  Segmentation,
  type SegmentationTiming,
  type SegmentedOrgan,
} from "./segment/segmentation.js";
export {
  Masks,
  type Segmenter,
  type SegmenterWork,
  type SegmentRequest,
} from "./segment/segmenter.js";
export * as steps from "./steps.js";
export { type BuildOptions, buildTemplates } from "./templates/build.js";
export { type ExtremePoints, readExtremePoints } from "./templates/extreme-points.js";
export { labelNamesFromXml, labelTableXml, readLabelNames } from "./templates/label-names.js";
export type { Point } from "./templates/slicer-markups.js";
export type { Support } from "./templates/supports.js";
export {
  type Strategy,
  type TemplateOrgan,
  Templates,
  type TemplatesDescription,
} from "./templates/templates.js";
export type { TrainedFiles, TrainOptions } from "./train/epochs.js";
export {
  type TrainedEpoch,
  type TrainedMedLam,
  type TrainMedLamOptions,
  trainMedLam,
} from "./train/medlam.js";
export type { PeerOfRun } from "./train/peers.js";
export {
  type SamSizes,
  type TrainedSam,
  type TrainedSamEpoch,
  type TrainSamOptions,
  trainSam,
} from "./train/sam.js";
export type { AnnotatedScan } from "./train/scans.js";
export { type Triple, Volume, type VolumeGeometry } from "./volumes/volume.js";
