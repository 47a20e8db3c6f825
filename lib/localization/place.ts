/** UAM: where the anatomical coordinate system places template points in a scan (algorithm.md parts 5.1 and 5.2). */
import { type CallOptions, callNative, type Progress, type ProgressItem } from "../addon/call.js";
import type { Landmarks } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import type { Grid } from "./grid.js";
import type { LocalizeOptions } from "./localize.js";
import type { MedLam } from "./medlam.js";
import { checkQueryCenters, drawQueryCenters } from "./query.js";

/** Template points `indices` → [z, y, x] each on the padded grid, and the patches that the network ran on for it. */
export async function placePoints(
  grid: Grid,
  indices: Int32Array,
  options: LocalizeOptions,
): Promise<{ points: Int32Array; patches: number }> {
  const { medlam, templates } = options;
  const known = grid.surveys.has(medlam);
  const query = await lookFromMiddle(grid, options);
  const survey = options.survey ? await surveyGrid(grid, options) : noSurvey;
  const points = await callNative(options, (task) =>
    native.placePoints(query, survey, grid.handle, templates.handle, indices, task),
  );
  const patches = (query.centers.length + (known ? 0 : survey.centers.length)) / 3;
  return { points, patches };
}

/** Part 5.1. */
async function lookFromMiddle(
  grid: Grid,
  { medlam, queryCenters, seed = 0, onProgress, ...options }: LocalizeOptions,
): Promise<Landmarks> {
  if (queryCenters) checkQueryCenters(queryCenters, grid);
  const centers = Int32Array.from((queryCenters ?? drawQueryCenters(grid, seed)).flat());
  return callNative(
    options,
    (task) => native.lookAt(medlam.handle, grid.handle, centers, task),
    (done, total) => onProgress?.({ phase: "query", done, total }),
  );
}

/** What the addon takes for "as published". */
export const noSurvey: Landmarks = { centers: new Int32Array(), positions: new Float32Array() };

/** Positions of patches all over a scan; once made, the grid keeps them for other templates. */
export async function surveyGrid(
  grid: Grid,
  { medlam, item, onProgress, ...options }: SurveyOptions,
): Promise<Landmarks> {
  const known = grid.surveys.get(medlam);
  if (known) return known;
  const survey = await callNative(
    options,
    (task) => native.surveyScan(medlam.handle, grid.handle, task),
    (done, total) => onProgress?.({ phase: "survey", done, total, ...(item && { item }) }),
  );
  grid.surveys.set(medlam, survey);
  return survey;
}

interface SurveyOptions extends CallOptions {
  medlam: MedLam;
  /** Whose survey this is, for the progress. */
  item?: ProgressItem;
  onProgress?: (progress: Progress) => void;
}
