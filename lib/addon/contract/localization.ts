/** Localization (part 5). */
import type { GridHandle, MedLamHandle, TemplatesHandle } from "./handles.js";
import type { VoxelBox } from "./metrics.js";
import type { Task } from "./task.js";

/** An organ to find. */
export interface WantedOrgan {
  /** Its template points, six for each part. */
  points: Int32Array;
  /** Mean cosine between the supports at its points; null where fewer than two show it. */
  agreement: number | null;
}

export interface LocalizeCall {
  medlam: MedLamHandle;
  grid: GridHandle;
  templates: TemplatesHandle;
  organs: readonly WantedOrgan[];
  /** Scales of the similarity search; none: places from the coordinate system alone. */
  scales: readonly number[];
  /** Points of the padded grid to look at the scan from; empty: drawn by the seed. */
  queryCenters: Int32Array;
  /** Taken modulo 2³². */
  seed: number;
  survey: boolean;
  /** Voxels between the centers of search patches; 0: no lattice. */
  lattice: number;
  /** Organs that score lower are called absent; null: by their agreement. */
  minScore: number | null;
  /** Organs with less of score ÷ agreement + margin ÷ 300 mm are called absent; null: four fifths of the agreement decide. */
  minEvidence: number | null;
}

export interface FoundOrgan {
  present: boolean;
  /** Mean cosine; null without a search. */
  score: number | null;
  /** mm; negative for a box wholly outside the scan. */
  margin: number;
  /** Around all parts. */
  box: VoxelBox;
  parts: VoxelBox[];
}

export interface LocalizeResult {
  /** In the order of the call. */
  organs: FoundOrgan[];
  /** How many patches the network really ran on. */
  patches: number;
  networkSeconds: number;
  similaritySeconds: number;
}

export interface LocalizationAddon {
  /**
   * Parts 5.1 to 5.5. Progress has the phases "query", "survey" and "search". The grid keeps its survey for later calls
   * with the same network.
   */
  localize(call: LocalizeCall, task: Task): Promise<LocalizeResult>;
}
