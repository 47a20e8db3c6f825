/** UAM: where the anatomical coordinate system places template points in a scan (algorithm.md parts 5.1 and 5.2). */
import { callNative } from "../native/call.js";
import type { Landmarks } from "../native/contract.js";
import { native } from "../native/loader.js";
import type { Grid } from "./grid.js";
import type { LocalizeOptions } from "./localize.js";
import { checkQueryCenters, drawQueryCenters } from "./query.js";

/** How far the patches of a step are. */
type Tell = (step: string) => (done: number, total: number) => void;

/** Template points `indices` → [z, y, x] each on the padded grid, and the patches that the network ran on for it. */
export async function placePoints(
  grid: Grid,
  indices: Int32Array,
  options: LocalizeOptions,
): Promise<{ points: Int32Array; patches: number }> {
  const tell: Tell = (step) => (done, total) => options.onProgress?.({ step, done, total });
  const query = await lookFromMiddle(grid, options, tell);
  const survey = options.survey
    ? await surveyOnce(grid, options, tell)
    : { landmarks: none, patches: 0 };
  const { handle } = options.templates;
  const points = await callNative(options, (task) =>
    native.placePoints(query, survey.landmarks, grid.handle, handle, indices, task),
  );
  return { points, patches: query.centers.length / 3 + survey.patches };
}

const none: Landmarks = { centers: new Int32Array(), positions: new Float32Array() };

/** Part 5.1. */
async function lookFromMiddle(
  grid: Grid,
  options: LocalizeOptions,
  tell: Tell,
): Promise<Landmarks> {
  const { medlam, queryCenters, seed = 0 } = options;
  if (queryCenters) checkQueryCenters(queryCenters, grid);
  const centers = Int32Array.from((queryCenters ?? drawQueryCenters(grid, seed)).flat());
  return callNative(
    options,
    (task) => native.lookAt(medlam.handle, grid.handle, centers, task),
    tell("query"),
  );
}

/** The survey of a scan by a network, which all templates share; 0 patches where it is there already. */
async function surveyOnce(
  grid: Grid,
  options: LocalizeOptions,
  tell: Tell,
): Promise<{ landmarks: Landmarks; patches: number }> {
  const { medlam } = options;
  const known = grid.surveys.get(medlam);
  if (known) return { landmarks: known, patches: 0 };
  const landmarks = await callNative(
    options,
    (task) => native.surveyScan(medlam.handle, grid.handle, task),
    tell("survey"),
  );
  grid.surveys.set(medlam, landmarks);
  return { landmarks, patches: landmarks.centers.length / 3 };
}
