/** Templates being filled: annotated scans are added to them, one after another (algorithm.md parts 3 and 4). */
import {
  type CallOptions,
  callNative,
  type Progress,
  type ProgressItem,
  type ProgressPhase,
} from "../addon/call.js";
import type { Conventions, TemplatesHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { InputError } from "../base/errors.js";
import { requireSameGeometry } from "../volumes/geometry.js";
import type { ReadOptions } from "../volumes/read.js";
import { type Volume, withVolume } from "../volumes/volume.js";
import { Grid, type GridOptions } from "./grid.js";
import type { MedLam } from "./medlam.js";
import type { Organ } from "./organs.js";
import { type LabelledSupport, readLabels, type Support } from "./supports.js";
import { pointsPerPart, Templates, type TemplatesDescription } from "./templates.js";

/** How supports are added. */
export interface FillOptions extends GridOptions, ReadOptions {
  medlam: MedLam;
  supports: readonly Support[];
  survey?: boolean;
  onProgress?: (progress: Progress) => void;
}

/** An organ of the templates, and the first of its points there. */
export interface PlacedOrgan extends Organ {
  first: number;
}

/** The organs, one after another from the point `next` on. */
export function placeOrgans(organs: readonly Organ[], next = 0): PlacedOrgan[] {
  let first = next;
  return organs.map((organ) => {
    const placed = { ...organ, first };
    first += organ.parts * pointsPerPart;
    return placed;
  });
}

/** Runs `use` on the label grids of the supports that have label maps, in the supports' order, and frees them. */
export async function withLabels<T>(
  options: FillOptions,
  use: (labelled: (LabelledSupport | undefined)[]) => Promise<T>,
): Promise<T> {
  const { supports, conventions = "exact", onProgress } = options;
  const labelled: (LabelledSupport | undefined)[] = [];
  try {
    for (const [i, support] of supports.entries()) {
      labelled.push(
        "labels" in support ? await readLabels(support, conventions, options) : undefined,
      );
      onProgress?.({ phase: "labels", done: i + 1, total: supports.length });
    }
    return await use(labelled);
  } finally {
    for (const support of labelled) if (support) native.release(support.grid);
  }
}

/**
 * Templates to whose points every support was added that shows their organ. `handle` is theirs, or released where that
 * fails.
 */
export async function filled(
  options: FillOptions,
  handle: TemplatesHandle,
  labelled: readonly (LabelledSupport | undefined)[],
  organs: readonly PlacedOrgan[],
  said: TemplatesDescription,
): Promise<Templates> {
  try {
    const count = options.supports.length;
    for (const [index, support] of options.supports.entries()) {
      await withVolume(support.image, options, (image) =>
        addSupport(options, handle, image, support, labelled[index], organs, { index, count }),
      );
    }
    return await described(handle, said, options);
  } catch (error) {
    native.release(handle);
    throw error;
  }
}

/** Templates that native code has filled. */
export async function described(
  handle: TemplatesHandle,
  said: TemplatesDescription,
  options: CallOptions,
): Promise<Templates> {
  const info = await callNative(options, (task) => native.describeTemplates(handle, task));
  return Templates.make("", { ...info, handle }, said);
}

async function addSupport(
  options: FillOptions,
  templates: TemplatesHandle,
  image: Volume,
  support: Support,
  labels: LabelledSupport | undefined,
  organs: readonly PlacedOrgan[],
  item: ProgressItem,
): Promise<void> {
  const { medlam, conventions = "exact", onProgress } = options;
  if (labels) {
    requireSameGeometry(labels.path || "The label map", labels, image.path || "its image", image);
  }
  const grid = await Grid.make(image, { ...options, device: medlam.device });
  try {
    const shown = organsShown(organs, support, labels);
    const centers = labels
      ? await labelPoints(labels, shown, conventions, options)
      : await givenPoints(support, shown, grid, image, options);
    const indices = Int32Array.from(shown.flatMap(({ points }) => points));
    const { survey = false } = options;
    const handles = { templates, medlam: medlam.handle, grid: grid.handle };
    await callNative(
      options,
      (task) => native.addSupport({ ...handles, centers, indices, survey }, task),
      (done, total, phase) => onProgress?.({ phase: phase as ProgressPhase, done, total, item }),
    );
  } finally {
    grid.close();
  }
}

/** An organ that a support shows, and the template points that it contributes to. */
interface ShownOrgan extends Organ {
  points: number[];
}

function organsShown(
  organs: readonly PlacedOrgan[],
  support: Support,
  labels: LabelledSupport | undefined,
): ShownOrgan[] {
  const given = "extremePoints" in support ? support.extremePoints : [];
  return organs.flatMap((organ) => {
    const shows = labels
      ? labels.extents.has(organ.label)
      : given.some(({ name }) => name === organ.name);
    const count = organ.parts * pointsPerPart;
    const points = Array.from({ length: count }, (_, i) => organ.first + i);
    return shows ? [{ ...organ, points }] : [];
  });
}

/** Points of all organs on the padded grid, flat (z, y, x) triples. */
async function labelPoints(
  { grid }: LabelledSupport,
  organs: readonly ShownOrgan[],
  conventions: Conventions,
  options: CallOptions,
): Promise<Int32Array> {
  return callNative(options, (task) =>
    native.annotationPoints({ grid, organs, conventions }, task),
  );
}

async function givenPoints(
  support: Support,
  shown: readonly ShownOrgan[],
  grid: Grid,
  image: Volume,
  options: CallOptions,
): Promise<Int32Array> {
  const given = "extremePoints" in support ? support.extremePoints : [];
  const organs = shown.map(({ name }) => {
    const parts = given.find((organ) => organ.name === name)?.parts ?? [];
    return { name, points: Float64Array.from(parts.flat(2)) };
  });
  return callNative(options, (task) =>
    native.physicalPoints({ grid: grid.handle, organs }, task),
  ).catch((error: unknown) => {
    if (!(error instanceof InputError) || image.path === "") throw error;
    throw new InputError(error.code, `${image.path}: ${error.message}`, { cause: error });
  });
}
