import { z } from "zod";
import { callNative, type Progress } from "../addon/call.js";
import type { Conventions } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { aFunction, checkArguments, optionsOf, wholeNumber } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { labelNames } from "../formats/label-names.js";
import type { ReadOptions } from "../volumes/read.js";
import { filled, placeOrgans, withLabels } from "./filling.js";
import { gridOptionsShape } from "./grid.js";
import { aMedLam, type MedLam } from "./medlam.js";
import { findOrgans, type OrganOptions } from "./organs.js";
import { aSupport, nameOfImage } from "./supports.js";
import { pointsPerPart, type Templates } from "./templates.js";

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
  /**
   * Called absent are organs with less evidence than this: score ÷ agreement + margin ÷ 300 mm. By default four fifths of the
   * agreement decide, the score alone. For templates of whole organs that are searched in scans which end close to them.
   */
  minEvidence?: number;
  /** The images' intensities are in [0, 1] already. */
  normalized?: boolean;
  onProgress?: (progress: Progress) => void;
}

/** @internal What all functions take that make templates of annotated scans. */
export const supportsShape = {
  ...gridOptionsShape,
  medlam: aMedLam,
  supports: z.array(aSupport, "must be a list of annotated scans, { image, labels } each"),
  classes: z.array(z.int()).optional(),
  names: labelNames.optional(),
  onProgress: aFunction.optional(),
};

const buildOptions = optionsOf({
  ...supportsShape,
  strategy: z.enum(["wpl", "spl"]).optional(),
  sliceInterval: wholeNumber(1, 1000).optional(),
  survey: z.boolean().optional(),
  minEvidence: z.number().optional(),
});

/**
 * Makes templates (algorithm.md parts 3 and 4) from annotated scans: for every organ and point the network's mean
 * position and features over the supports. Needs memory for one scan, the supports' label grids and 219 KB a point
 * (at width 24).
 * @throws InputError `GEOMETRY_MISMATCH`, `BAD_LABELS`, `BAD_ANNOTATION`, and what reading volumes throws; UsageError.
 */
export async function buildTemplates(options: BuildOptions): Promise<Templates> {
  checkArguments("buildTemplates", { options: [options, buildOptions] });
  const { medlam, supports, conventions = "exact" } = options;
  if (supports.length === 0)
    throw new UsageError("At least one support is needed to build templates.");
  return withLabels(options, async (labelled) => {
    const { organs, strategy, sliceInterval } = findOrgans(options, labelled);
    const points = organs.reduce((sum, { parts }) => sum + parts * pointsPerPart, 0);
    const handle = await callNative(options, (task) =>
      native.createTemplates({ medlam: medlam.handle, points }, task),
    );
    return filled(options, handle, labelled, placeOrgans(organs), {
      strategy,
      sliceInterval,
      conventions,
      ...(options.survey && { survey: true }),
      ...(options.minEvidence !== undefined && { minEvidence: options.minEvidence }),
      fingerprint: medlam.fingerprint,
      ...(medlam.note !== "" && { note: medlam.note }),
      width: medlam.width,
      patch: medlam.patch,
      supports: supports.map(({ image }) => nameOfImage(image)),
      organs: organs.map(({ cut: _, ...organ }) => organ),
    });
  });
}
