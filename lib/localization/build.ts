import { basename } from "node:path";
import { z } from "zod";
import {
  type CallOptions,
  callNative,
  type Progress,
  type ProgressItem,
  type ProgressPhase,
} from "../addon/call.js";
import type { Conventions, TemplatesHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { aFunction, checkArguments, optionsOf, wholeNumber } from "../base/arguments.js";
import { InputError, UsageError } from "../base/errors.js";
import { labelNames } from "../formats/label-names.js";
import { requireSameGeometry } from "../volumes/geometry.js";
import { type ReadOptions, type Volume, withVolume } from "../volumes/volume.js";
import { Grid, gridOptionsShape } from "./grid.js";
import { aMedLam, type MedLam } from "./medlam.js";
import { findOrgans, type Organ, type OrganOptions } from "./organs.js";
import { aSupport, type LabelledSupport, readLabels, type Support } from "./supports.js";
import { pointsPerPart, Templates } from "./templates.js";

/** Options of {@link buildTemplates}. */
export interface BuildOptions extends OrganOptions, ReadOptions {
  medlam: MedLam;
  /** "exact" by default. */
  conventions?: Conventions;
  /**
   * Also looks at patches all over each support, half a patch apart, and takes its points' positions from those near them
   * instead of from one patch each. Not in the published method; makes `survey` of localize closer. false by default.
   */
  survey?: boolean;
  /** The images' intensities are in [0, 1] already. */
  normalized?: boolean;
  onProgress?: (progress: Progress) => void;
}

const buildOptions = optionsOf({
  ...gridOptionsShape,
  medlam: aMedLam,
  supports: z.array(aSupport, "must be a list of annotated scans, { image, labels } each"),
  strategy: z.enum(["wpl", "spl"]).optional(),
  sliceInterval: wholeNumber(1, 1000).optional(),
  classes: z.array(z.int()).optional(),
  names: labelNames.optional(),
  survey: z.boolean().optional(),
  onProgress: aFunction.optional(),
});

/**
 * Makes templates (algorithm.md parts 3 and 4) from annotated scans: for every organ and point the network's mean
 * position and features over the supports. Needs memory for one scan, the supports' label grids and 219 KB a point
 * (at width 24).
 * @throws InputError `GEOMETRY_MISMATCH`, `BAD_LABELS`, `BAD_ANNOTATION`, and what reading volumes throws; UsageError.
 */
export async function buildTemplates(options: BuildOptions): Promise<Templates> {
  checkArguments("buildTemplates", { options: [options, buildOptions] });
  const { medlam, supports, conventions = "exact", onProgress } = options;
  if (supports.length === 0)
    throw new UsageError("At least one support is needed to build templates.");
  const labelled: (LabelledSupport | undefined)[] = [];
  let handle: TemplatesHandle | undefined;
  try {
    for (const [i, support] of supports.entries()) {
      labelled.push(
        "labels" in support ? await readLabels(support.labels, conventions, options) : undefined,
      );
      onProgress?.({ phase: "labels", done: i + 1, total: supports.length });
    }
    const { organs, strategy, sliceInterval } = findOrgans(options, labelled);
    const points = organs.reduce((sum, { parts }) => sum + parts * pointsPerPart, 0);
    const templates = await callNative(options, (task) =>
      native.createTemplates({ medlam: medlam.handle, points }, task),
    );
    handle = templates;
    for (const [i, support] of supports.entries()) {
      const item = { index: i, count: supports.length };
      await withVolume(support.image, options, (image) =>
        addSupport(options, templates, image, support, labelled[i], organs, item),
      );
    }
    const described = await callNative(options, (task) =>
      native.describeTemplates(templates, task),
    );
    const info = { ...described, handle: templates };
    return Templates.make("", info, {
      strategy,
      sliceInterval,
      conventions,
      ...(options.survey && { survey: true }),
      fingerprint: medlam.fingerprint,
      ...(medlam.note !== "" && { note: medlam.note }),
      width: medlam.width,
      patch: medlam.patch,
      supports: supports.map(({ image }) =>
        basename(typeof image === "string" ? image : image.path),
      ),
      organs: organs.map(({ cut: _, ...organ }) => organ),
    });
  } catch (error) {
    if (handle) native.release(handle);
    throw error;
  } finally {
    for (const support of labelled) if (support) native.release(support.grid);
  }
}

async function addSupport(
  options: BuildOptions,
  templates: TemplatesHandle,
  image: Volume,
  support: Support,
  labels: LabelledSupport | undefined,
  organs: readonly Organ[],
  item: ProgressItem,
): Promise<void> {
  const { medlam, conventions = "exact", onProgress } = options;
  if (labels) {
    requireSameGeometry(labels.path || "The label map", labels, image.path || "its image", image);
  }
  const grid = await Grid.make(image, options);
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
  organs: readonly Organ[],
  support: Support,
  labels: LabelledSupport | undefined,
): ShownOrgan[] {
  const given = "extremePoints" in support ? support.extremePoints : [];
  let next = 0;
  return organs.flatMap((organ) => {
    const first = next;
    next += organ.parts * pointsPerPart;
    const shows = labels
      ? labels.extents.has(organ.label)
      : given.some(({ name }) => name === organ.name);
    const points = Array.from({ length: next - first }, (_, i) => first + i);
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
