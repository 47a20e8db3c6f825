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

export interface MedLamInfo {
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

export interface ForwardResult {
  positions: Float32Array;
  /** Per scale, (patch, channel, z, y, x). */
  features: Float32Array[];
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

/** What runs a network, and how: see lib/native/runtime.ts. */
export type Runtime =
  | { name: "onnx"; library: string }
  | { name: "torch"; library: string; device: string; precision: Precision };

/** What weights and activations are kept in; results are float32 always. */
export type Precision = "float32" | "bfloat16" | "float16";

export interface TorchInfo {
  /** libtorch's. */
  version: string;
  cudaDevices: number;
}

export interface TrainerOptions {
  /** Files of writeTrainingScan. */
  scans: string[];
  validationScans: string[];
  width: number;
  patch: number;
  batch: number;
  epochSteps: number;
  seed: number;
  learningRate: number;
  device: string;
  precision: Precision;
}

/** What one step of training did. */
export interface TrainingStep {
  /** Steps done, this one included. */
  step: number;
  /** Mean squared error in mm². */
  uam: number;
  mss: number;
  /** The gradient's norm before clipping. */
  gradient: number;
  learningRate: number;
  /** Of `seconds`, how many the network waited for patches. */
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
  medlamPositions(
    medlam: MedLamHandle,
    grid: GridHandle,
    centers: Int32Array,
    task: Task,
  ): Promise<Float32Array>;

  createTemplates(medlam: MedLamHandle, points: number, task: Task): Promise<TemplatesHandle>;
  /** Adds one support: the patch at centers[i] contributes to point indices[i]. */
  addSupport(
    templates: TemplatesHandle,
    medlam: MedLamHandle,
    grid: GridHandle,
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

  /** Part 5.3: from each start (clamped) the point of template indices[i] is searched. */
  search(
    medlam: MedLamHandle,
    grid: GridHandle,
    templates: TemplatesHandle,
    starts: Int32Array,
    indices: Int32Array,
    scales: number[],
    task: Task,
  ): Promise<SearchResult>;

  /** Writes the grid without its padding as float16, for training. */
  writeTrainingScan(grid: GridHandle, path: string, task: Task): Promise<void>;
  createTrainer(plugin: string, options: TrainerOptions, task: Task): Promise<TrainerHandle>;
  /** Up to `steps` steps; fewer if it is cancelled, which does not reject: what was done stays done. */
  trainSteps(trainer: TrainerHandle, steps: number, task: Task): Promise<TrainingStep[]>;
  /** Root mean square error of UAM in mm over pairs of patches of the validation scans, always the same. */
  validateTrainer(trainer: TrainerHandle, pairs: number, task: Task): Promise<number>;
  saveTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  loadTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  exportTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  trainerSteps(trainer: TrainerHandle): number;

  // Single steps, for checking and for reuse.
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
}
