/**
 * The addon's exact interface: what native/addon exports, and nothing else. Only lib/ may use it.
 *
 * Arrays are (z, y, x), z slowest. Points are triples (z, y, x) in one flat typed array. Affines are 16 numbers,
 * row-major, voxel (x, y, z, 1) → RAS mm. Every function that returns a promise computes on threads of its own and
 * rejects with an Error whose `code` is one of lib/errors.ts. Arguments are validated in lib/ already; a wrong type
 * here is a bug and throws a TypeError.
 */

declare const kind: unique symbol;
/** A type-tagged reference to an object in native memory; `release` frees it early, garbage collection late. */
export type Handle<Kind extends string> = object & { readonly [kind]: Kind };
export type VolumeHandle = Handle<"volume">;
export type GridHandle = Handle<"grid">;
export type LabelGridHandle = Handle<"labelGrid">;
export type CheckpointHandle = Handle<"checkpoint">;
export type MedLamHandle = Handle<"medlam">;
export type TemplatesHandle = Handle<"templates">;
export type SamHandle = Handle<"sam">;
export type MasksHandle = Handle<"masks">;
export type TrainerHandle = Handle<"trainer">;
export type CancelHandle = Handle<"cancel">;

/** Last argument of every long call. */
export interface Task {
  threads: number;
  cancel?: CancelHandle;
  /** Called on the JS thread, at most every 50 ms and once at the end. */
  onProgress?: (done: number, total: number) => void;
}

export type StoredType =
  | "F64"
  | "F32"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8";

export type TensorType = StoredType | "F16" | "BF16" | "BOOL";

export type VoxelArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

export interface VolumeInfo {
  shape: [number, number, number];
  dtype: StoredType;
  slope: number;
  intercept: number;
  affine: number[];
  spacing: [number, number, number];
  /** Where the stored x, y and z axes point, by the nearest axis order: "LPS". */
  axes: string;
  /** The label table of a NIfTI extension of code 0, if there is one. */
  labelXml?: string;
}

export type Conventions = "exact" | "reference";

export interface GridInfo {
  /** Of the padded grid. */
  shape: [number, number, number];
  /** Stored extent along the grid's axes (LAS, not yet zoomed). */
  lasShape: [number, number, number];
  /** Grid voxels per LAS voxel: spacing / 3 mm, (z, y, x). */
  zoom: [number, number, number];
  /** Row-major 4×4: LAS voxel (x, y, z, 1) → stored voxel (x, y, z, 1). */
  lasToStored: number[];
}

export interface LabelExtent {
  label: number;
  /** First and last non-empty index per axis on the padded grid. */
  min: [number, number, number];
  max: [number, number, number];
}

export interface TensorInfo {
  name: string;
  dtype: TensorType;
  shape: number[];
}

export interface CheckpointInfo {
  handle: CheckpointHandle;
  format: string;
  tensors: TensorInfo[];
  metadata: Record<string, string>;
}

/** Where a network really runs. */
export interface Placement {
  /** "cpu" or "cuda:N". */
  device: string;
  /** Why that is not the device that was asked for; "" where it is. */
  fallback: string;
}

export interface MedLamInfo extends Placement {
  handle: MedLamHandle;
  /** Base width B of algorithm.md part 2. */
  width: number;
  /** Edge of a patch in voxels. */
  patch: number;
  parameters: number;
  /** A line per tensor (name, shape, CRC-32 of its float32 values): equal for the same weights however stored. */
  digest: string;
}

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

export interface SamInfo extends Placement {
  handle: SamHandle;
  /** S: the edge of a slice in pixels. */
  imageSize: number;
  /** Edge of an embedding; masks have four times as many logits along an edge. */
  grid: number;
  width: number;
  depth: number;
  heads: number;
  /** Of an embedding. */
  channels: number;
  parameters: number;
  /** As {@link MedLamInfo.digest}. */
  digest: string;
}

/** What the JSON beside a SAM checkpoint says. */
export interface SamGeometry {
  heads: number;
  window: number;
  globalBlocks: Int32Array;
}

/** A prompt on a slice, in pixels of the S×S slice. */
export interface NativeSamPrompt {
  /** Left, top, right, bottom. */
  box: Float32Array | null;
  /** (x, y, 1 in the organ or 0 not) each. */
  points: Float32Array;
}

/** What shows an organ in a volume, in stored voxels. */
export interface NativeOrganPrompt {
  /** (min z, y, x, max z, y, x) of each part, inclusive. */
  boxes: Int32Array;
  /** (z, y, x, 1 in the organ or 0 not) each. */
  points: Int32Array;
}

export interface SliceWork {
  encoderRuns: number;
  prompts: number;
  prepareSeconds: number;
  encodeSeconds: number;
  decodeSeconds: number;
}

export interface ForwardResult {
  positions: Float32Array;
  /** Per scale, (patch, channel, z, y, x). */
  features: Float32Array[];
}

/** Inclusive bounds in stored voxels, (z, y, x). */
export interface VoxelBox {
  min: [number, number, number];
  max: [number, number, number];
}

/** One mask: how many voxels, and the box around them; null when there are none. */
export interface MaskExtent {
  voxels: number;
  box: VoxelBox | null;
}

/** Part 7 for one organ. NaN when both masks are empty; when one is, distances are infinite and overlaps 0. */
export interface OrganComparison {
  prediction: MaskExtent;
  truth: MaskExtent;
  dice: number;
  /** mm, between surface voxels. */
  hausdorff: number;
  hausdorff95: number;
  averageDistance: number;
  surfaceDice: number;
}

export interface AddonInfo {
  version: string;
  compiler: string;
  zlib: string;
  /** The best of what this machine has: "avx512", "avx2", "sse2", "neon". */
  simd: string;
  /** ONNX Runtime's version and execution providers at this path. */
  onnxRuntime: { version: string; providers: string[] } | { error: string };
}

/** What runs a network, and how: see lib/addon/runtimes.ts. */
export type Runtime =
  | { name: "onnx"; library: string; device: string }
  | { name: "torch"; library: string; device: string; precision: Precision };

/** What weights and activations are kept in; results are float32 always. */
export type Precision = "float32" | "bfloat16" | "float16";

export interface TorchInfo {
  /** libtorch's. */
  version: string;
  cudaDevices: number;
}

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

/** Of either network's training. */
interface CommonTrainerOptions {
  scans: string[];
  validationScans: string[];
  width: number;
  patch: number;
  batch: number;
  /** Of the batch, how many are computed at once; 0: one on a CPU, all on a GPU. */
  microBatch: number;
  epochSteps: number;
  /** A checkpoint; "": a new network. */
  from: string;
  seed: number;
  learningRate: number;
  device: string;
  precision: Precision;
  /** Threads that make batches; 0: made between the steps. */
  loaders: number;
}

/** Scans are files of writeTrainingScan. */
export interface TrainerOptions extends CommonTrainerOptions {
  uamSteps: number;
  /** HU; NaN: as published. */
  foreground: number;
  peers: Peers;
}

/** Which of a training run's processes this one is, and where they meet. */
export interface Peers {
  /** From 0. */
  rank: number;
  count: number;
  /** A file, for processes of one machine; */
  file: string;
  /** or where it is "", a port that process 0 opens. */
  host: string;
  port: number;
}

/** Scans are files of writeAnnotatedScan. */
export interface SamTrainerOptions extends CommonTrainerOptions {
  /** Of a new network, as width and patch are: */
  imageSize: number;
  depth: number;
  heads: number;
  mlp: number;
  window: number;
  globalBlocks: Int32Array;
  channels: number;
  decoderMlp: number;
  encoder: boolean;
  prompts: number;
  epochs: number;
  /** mm */
  jitter: number;
}

/** What one step of training did. */
export interface TrainingStep {
  /** Steps done, this one included. */
  step: number;
  /** MedLAM: mean squared error of UAM in mm², MSS. SAM: Dice loss, cross-entropy, squared error of the predicted IoU. */
  losses: number[];
  /** The gradient's norm before clipping. */
  gradient: number;
  learningRate: number;
  /** Of `seconds`, how many the network waited for its batch. */
  waitSeconds: number;
  seconds: number;
}

export interface NativeAddon {
  info(onnxRuntimePath: string, task: Task): Promise<AddonInfo>;
  createCancel(): CancelHandle;
  cancel(handle: CancelHandle): void;
  release(handle: Handle<string>): void;
  /** Removes temporary files of unfinished writes and ends the process at once, running nothing else. */
  exitNow(code: number): never;

  readVolume(path: string, task: Task): Promise<VolumeHandle>;
  volumeFromArray(
    data: VoxelArray,
    shape: number[],
    affine: number[],
    task: Task,
  ): Promise<VolumeHandle>;
  volumeInfo(volume: VolumeHandle): VolumeInfo;
  /** Stored values, or with `scaled` value = stored · slope + intercept as float32. */
  volumeData(volume: VolumeHandle, scaled: boolean, task: Task): Promise<ArrayBuffer>;
  /** Every step-th voxel along (z, y, x), in its place. */
  thinVolume(volume: VolumeHandle, step: number[], task: Task): Promise<VolumeHandle>;
  writeVolume(
    path: string,
    geometry: VolumeHandle,
    data: VoxelArray | null,
    labelXml: string,
    task: Task,
  ): Promise<void>;

  /** Part 1. `normalized`: the intensities are already in [0, 1], do not map HU. */
  makeGrid(
    volume: VolumeHandle,
    conventions: Conventions,
    normalized: boolean,
    task: Task,
  ): Promise<GridHandle>;
  gridInfo(grid: GridHandle): GridInfo;
  gridValues(grid: GridHandle, task: Task): Promise<Float32Array>;
  /** The grid's values at the points; 0 outside. */
  sampleGrid(grid: GridHandle, points: Int32Array): Float32Array;

  makeLabelGrid(
    volume: VolumeHandle,
    conventions: Conventions,
    task: Task,
  ): Promise<LabelGridHandle>;
  labelGridFromArray(data: Uint16Array, shape: number[], task: Task): Promise<LabelGridHandle>;
  labelGridValues(
    grid: LabelGridHandle,
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Uint16Array }>;
  labelExtents(grid: LabelGridHandle, task: Task): Promise<LabelExtent[]>;
  /** Part 3: six points for each of parts[i] cuts of labels[i], or of the whole organ where parts[i] is 0. */
  annotationPoints(
    grid: LabelGridHandle,
    labels: Int32Array,
    parts: Int32Array,
    conventions: Conventions,
    task: Task,
  ): Promise<Int32Array>;

  openCheckpoint(path: string, task: Task): Promise<CheckpointInfo>;
  /** A tensor as float32 (floating types) or as stored bytes. */
  tensorData(checkpoint: CheckpointHandle, name: string, task: Task): Promise<ArrayBuffer>;
  /** As safetensors. `half`: floating-point tensors as F16. */
  writeCheckpoint(
    checkpoint: CheckpointHandle,
    path: string,
    half: boolean,
    metadata: Record<string, string>,
    task: Task,
  ): Promise<void>;

  /** Loads the torch plugin into this process. */
  torchInfo(plugin: string, task: Task): Promise<TorchInfo>;

  loadMedLam(checkpoint: CheckpointHandle, runtime: Runtime, task: Task): Promise<MedLamInfo>;
  /** Patches (n, patch³) through the network; features of scales 0 … deepest only. */
  medlamForward(
    medlam: MedLamHandle,
    patches: Float32Array,
    deepestScale: number,
    task: Task,
  ): Promise<ForwardResult>;

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

  loadSam(
    checkpoint: CheckpointHandle,
    stated: SamGeometry | null,
    runtime: Runtime,
    task: Task,
  ): Promise<SamInfo>;
  /** Slices (n, S²), 0 … 255 → embeddings (n, channels, grid²). */
  samEncode(sam: SamHandle, slices: Float32Array, task: Task): Promise<Float32Array>;
  /** One embedding → logits (prompts, masks, (4·grid)²) and predicted IoUs (prompts, masks); mask prompts may be null. */
  samDecode(
    sam: SamHandle,
    embedding: Float32Array,
    prompts: NativeSamPrompt[],
    masks: Float32Array | null,
    multimask: boolean,
    task: Task,
  ): Promise<{ logits: Float32Array; ious: Float32Array }>;
  /** Parts 6.3 and 6.5: how many slices segmentSlices will encode, and after how many of them each organ is complete. */
  planSlices(
    sam: SamHandle,
    masks: MasksHandle,
    organs: NativeOrganPrompt[],
    only: Int32Array | null,
  ): { slices: number; completeAfter: Int32Array };
  /** Part 6: fills the masks; progress counts slices. `only`: slices to keep to. */
  segmentSlices(
    sam: SamHandle,
    volume: VolumeHandle,
    masks: MasksHandle,
    organs: NativeOrganPrompt[],
    only: Int32Array | null,
    conventions: Conventions,
    task: Task,
  ): Promise<SliceWork>;

  /** Empty masks of so many organs of this volume. */
  createMasks(volume: VolumeHandle, organs: number): MasksHandle;
  /** The organ's probabilities in a box of stored voxels become its mask. */
  setMask(
    masks: MasksHandle,
    organ: number,
    min: number[],
    max: number[],
    probabilities: Float32Array,
    task: Task,
  ): Promise<void>;
  filterMask(
    masks: MasksHandle,
    organ: number,
    largestOnly: boolean,
    minVoxels: number,
    task: Task,
  ): Promise<void>;
  /** Voxels of the mask and the volume's mean value in it, NaN for an empty one. */
  maskStatistics(
    masks: MasksHandle,
    organ: number,
    volume: VolumeHandle,
    task: Task,
  ): Promise<{ voxels: number; mean: number }>;
  /** Part 6.6: organs[i] becomes labels[i], uint8 or with `wide` uint16, (z, y, x). */
  maskValues(
    masks: MasksHandle,
    organs: Int32Array,
    labels: Int32Array,
    wide: boolean,
    task: Task,
  ): Promise<ArrayBuffer>;
  /** The same into a NIfTI file; uint16 where a label needs it. */
  writeMasks(
    masks: MasksHandle,
    organs: Int32Array,
    labels: Int32Array,
    path: string,
    geometry: VolumeHandle,
    labelXml: string,
    description: string,
    task: Task,
  ): Promise<void>;

  /** An organ's mask as a volume of 0 and 1. */
  maskVolume(
    masks: MasksHandle,
    organ: number,
    geometry: VolumeHandle,
    task: Task,
  ): Promise<VolumeHandle>;
  /** How many voxels of each axial slice of a label map have one of these labels. */
  labelledPixels(labelMap: VolumeHandle, labels: Int32Array, task: Task): Promise<Float64Array>;
  /** A PNG of the masks' scan with contours and boxes, and the contour of a label map's organ in white. */
  writePreview(
    masks: MasksHandle,
    volume: VolumeHandle,
    organs: { organ: number; boxes: Int32Array; color: Uint8Array }[],
    truth: { labels: VolumeHandle; label: number } | null,
    path: string,
    description: string,
    task: Task,
  ): Promise<void>;

  /** Every label but 0 that occurs, ascending. */
  countLabels(
    volume: VolumeHandle,
    task: Task,
  ): Promise<(MaskExtent & { label: number; box: VoxelBox })[]>;
  /** Part 7. `labels`: a pair (in the prediction, in the truth) per organ; 0 where a map does not know it. mm. */
  compareLabels(
    prediction: VolumeHandle,
    truth: VolumeHandle,
    labels: Int32Array,
    tolerance: number,
    task: Task,
  ): Promise<OrganComparison[]>;
  /** Part 7 for boxes; distances in mm along (z, y, x). NaN where neither box has a volume. */
  boxOverlap(
    a: VoxelBox,
    b: VoxelBox,
    spacing: number[],
  ): { iou: number; wallDistances: [number, number, number] };

  /** Writes the grid without its padding as float16, for training. */
  writeTrainingScan(grid: GridHandle, path: string, task: Task): Promise<void>;
  /** Writes the slices that show an organ, and their labels, for training; both volumes have the same geometry. */
  writeAnnotatedScan(
    image: VolumeHandle,
    labels: VolumeHandle,
    path: string,
    task: Task,
  ): Promise<void>;
  createTrainer(plugin: string, options: TrainerOptions, task: Task): Promise<TrainerHandle>;
  createSamTrainer(plugin: string, options: SamTrainerOptions, task: Task): Promise<TrainerHandle>;
  /** Up to `steps` steps; fewer if it is cancelled, which does not reject: what was done stays done. */
  trainSteps(trainer: TrainerHandle, steps: number, task: Task): Promise<TrainingStep[]>;
  /**
   * On the validation scans, always the same: root mean square error of UAM in mm over `count` pairs of patches, or
   * SAM's mean Dice over `count` slices of each scan.
   */
  validateTrainer(trainer: TrainerHandle, count: number, task: Task): Promise<number>;
  saveTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  loadTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  exportTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  trainerSteps(trainer: TrainerHandle): number;

  // Single steps, for checking and for reuse.
  /** Part 6.1 but for the resizing: slices (count, height, width) of a volume, 0 … 255. */
  windowSlices(
    volume: VolumeHandle,
    conventions: Conventions,
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Uint8Array }>;
  resizeSlice(
    slice: Uint8Array,
    height: number,
    width: number,
    edge: number,
    task: Task,
  ): Promise<Uint8Array>;
  /** Part 6.4: logits (edge/4)² → probabilities (height, width). */
  decodeMask(
    logits: Float32Array,
    edge: number,
    height: number,
    width: number,
    task: Task,
  ): Promise<Float32Array>;
  resampleSpline(
    data: Float64Array,
    shape: number[],
    zoom: number[],
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Float64Array }>;
  resampleLabels(
    data: Uint16Array,
    shape: number[],
    zoom: number[],
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Uint16Array }>;
  mapHu(data: Float64Array, task: Task): Promise<Float32Array>;
  /** The volume's values as float64 in LAS order. */
  toLas(
    volume: VolumeHandle,
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Float64Array; lasToStored: number[] }>;
  /** features[k]: (channels, edge³) for edge = patch >> (2 − k), kernels[k]: (channels, size³); null leaves a scale out. */
  similarityMap(
    features: (Float32Array | null)[],
    kernels: (Float32Array | null)[],
    channels: number,
    patch: number,
    task: Task,
  ): Promise<Float32Array>;

  /** Region and axes "" and spacing null are decided by the seed. */
  makePhantom(
    seed: number,
    options: { region: PhantomRegion | ""; spacing: number[] | null; axes: string },
    task: Task,
  ): Promise<{ image: VolumeHandle; labels: VolumeHandle; about: PhantomAbout }>;
  /** Names in the order of the labels 1, 2, …. */
  phantomOrgans(): string[];
}
