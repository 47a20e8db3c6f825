/**
 * medlsam: localize and segment any organ in a CT from a few annotated examples (MedLSAM, arXiv 2306.14752).
 * Everything public is exported here. No call blocks the event loop; every long one takes an AbortSignal.
 */

export type { CallOptions, Progress, ProgressItem, ProgressPhase } from "./addon/call.js";
export type {
  Conventions,
  ForwardResult,
  Kernels,
  Precision,
  StoredType,
  VoxelArray,
} from "./addon/contract/index.js";
export type { CudaDriver, Gpu } from "./addon/devices.js";
/** @internal For the command. */
export { exitNow } from "./addon/exit.js";
export {
  type CudaPluginInfo,
  type Info,
  info,
  type RuntimeInfo,
  type RuntimeMissing,
} from "./addon/info.js";
export type { DefaultRuntime, RuntimeOptions } from "./addon/runtimes.js";
export { setThreads } from "./addon/threads.js";
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
} from "./base/errors.js";
export type { ScanWarning, WarningCode } from "./base/warnings.js";
export {
  Checkpoint,
  type CheckpointWriteOptions,
  type TensorInfo,
} from "./checkpoints/checkpoint.js";
export { type DemoOptions, runDemo } from "./demo/demo.js";
export type { Demo } from "./demo/result.js";
export { type DemoTable, demoTable } from "./demo/table.js";
export type { SeriesInfo } from "./dicom/series/listing.js";
export type { Modality } from "./dicom/series/survey.js";
export type { DicomAttributes, DicomElement, DicomSlice, DicomSource } from "./dicom/source.js";
export type { DicomUids } from "./dicom/source-uids.js";
export { type GivenCodes, readOrganCodes } from "./dicom-masks/codes.js";
export type { WrittenMasks } from "./dicom-masks/mask-set.js";
export { type BoxComparison, compareBoxes } from "./evaluation/compare-boxes.js";
export { type EvaluateOptions, evaluate } from "./evaluation/evaluate.js";
export {
  type CaseSource,
  type FoundCases,
  findCases,
  type MatchedCases,
  matchCases,
} from "./evaluation/match-cases.js";
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
} from "./evaluation/result.js";
export type { MaskSource } from "./evaluation/sources.js";
export { type OrganFigure, type OrganSpreads, organSpreads } from "./evaluation/spread.js";
export { summarizeEvaluations } from "./evaluation/summary.js";
export { casesCsv, evaluationCsv, evaluationMarkdown } from "./evaluation/tables.js";
export { labelNamesFromXml, labelTableXml, readLabelNames } from "./formats/label-names.js";
export type { OutputFormat } from "./formats/mask-formats.js";
export { type RoiMarkup, type RoiMarkups, roiMarkups } from "./formats/roi-markups.js";
export type { Box, PhysicalBox, Point, Triple } from "./geometry/box.js";
export { type BuildOptions, buildTemplates } from "./localization/build.js";
export { type AddOptions, addToTemplates, mergeTemplates } from "./localization/extend.js";
export { type ExtremePoints, readExtremePoints } from "./localization/extreme-points.js";
export { Grid, type GridOptions, type MakeGridOptions } from "./localization/grid.js";
export { type LabelBoxes, type LabelBoxesOptions, labelBoxes } from "./localization/label-boxes.js";
export type { Lattice } from "./localization/lattice.js";
export { type LocalizeOptions, localize } from "./localization/localize.js";
export { MedLam } from "./localization/medlam.js";
export type { Localization, OrganLocalization, Scale } from "./localization/result.js";
export type { Support } from "./localization/supports.js";
export {
  type Strategy,
  type TemplateOrgan,
  Templates,
  type TemplatesDescription,
} from "./localization/templates.js";
export {
  checkModelFiles,
  type ModelFile,
  type ModelSet,
  modelSets,
  models,
} from "./models/model-sets.js";
export { type PublishedConfig, readPublishedConfig } from "./paper/config.js";
export type { ResultFile } from "./paper/results.js";
export { PublishedRun, type PublishedRunOptions, type QueryCase } from "./paper/run.js";
export { type PhantomFiles, phantomFiles, writePhantom } from "./phantom/files.js";
export {
  makePhantom,
  type Phantom,
  type PhantomAbout,
  type PhantomOptions,
  phantomNames,
} from "./phantom/phantom.js";
export {
  type PhantomRealism,
  type PhantomRegion,
  phantomRealism,
  phantomRegions,
} from "./phantom/regions.js";
export { type PhantomSeries, phantomSeriesFiles, writePhantomSeries } from "./phantom/series.js";
export {
  casesOf,
  casesOfSeries,
  listImages,
  type ScanCase,
  type SeriesCaseOptions,
  type Shard,
} from "./pipeline/cases.js";
export type { CaseOutcome, NamedCase, PipelineEvent } from "./pipeline/events.js";
export type { LocateOptions } from "./pipeline/locate.js";
export type { ModelFacts, PipelineOptions } from "./pipeline/models.js";
export {
  Pipeline,
  type RunAllOptions,
  type RunOptions,
  type ScanEvent,
  type ScanOutcome,
} from "./pipeline/pipeline.js";
export type { ProcessOptions } from "./pipeline/process-scan.js";
export type {
  MaskSummary,
  ScanCounts,
  ScanResult,
  ScanSeconds,
  SegmentationSummary,
} from "./pipeline/result.js";
export {
  type CaseJob,
  type CaseReporter,
  type RunCasesOptions,
  runCases,
} from "./pipeline/run-cases.js";
export type { OpenScan } from "./pipeline/scan.js";
export type { CaseOutputs } from "./pipeline/write-case.js";
export type { WriteRtStructOptions, WriteSegOptions } from "./segmentation/dicom-files.js";
export type { PreviewOptions } from "./segmentation/mask-files.js";
export { mergePrompts, readBoxes, readPoints } from "./segmentation/prompt-files.js";
export type { OrganPrompt, PromptedOrgan, PromptPoint } from "./segmentation/prompts.js";
export { Sam, type SlicePrediction, type SlicePrompt } from "./segmentation/sam.js";
export { type SegmentationRun, type SegmentOptions, segment } from "./segmentation/segment.js";
export {
  type MaskFilter,
  Segmentation,
  type SegmentationTiming,
  type SegmentedOrgan,
} from "./segmentation/segmentation.js";
export {
  Masks,
  type Segmenter,
  type SegmenterWork,
  type SegmentRequest,
} from "./segmentation/segmenter.js";
export * as steps from "./steps.js";
export { trainingDefaults } from "./training/defaults.js";
export { type TrainedMedLam, trainMedLam } from "./training/medlam.js";
export type { TrainedEpoch, TrainMedLamOptions } from "./training/medlam-options.js";
export type { TrainOptions } from "./training/options.js";
export { type PeerOfRun, peerFromEnvironment } from "./training/peers.js";
export type { TrainedFiles } from "./training/run.js";
export { type TrainedSam, trainSam } from "./training/sam.js";
export type { SamSizes, TrainedSamEpoch, TrainSamOptions } from "./training/sam-options.js";
export type { AnnotatedScan } from "./training/scans.js";
export { type DicomOptions, listSeries, type ReadOptions, type ScanPath } from "./volumes/read.js";
export { Volume, type VolumeGeometry } from "./volumes/volume.js";
