/** The plan of an evenly spaced volume that is interpolated between acquired slices. */
import { commonStep, dot, minus, scaled, stepsAlong, type Vector } from "./geometry.js";

/** A volume's slices between acquired ones. */
export interface Resampling {
  /** Index of the acquired slice at or before each slice of the volume. */
  lower: number[];
  /** Share of the acquired slice after that one, from 0. */
  weight: number[];
  /** The way from a slice to the next, LPS mm. */
  step: Vector;
  /** Index of the volume's slice nearest to each acquired one. */
  nearest: number[];
  /** Slices that are not acquired ones. */
  interpolated: number;
}

/** Share of a step within which a slice is where an acquired one is. */
const same = 1e-3;

/** Slices at multiples of the most frequent step, from the first slice to the last at most. */
export function planResampling(positions: readonly Vector[], normal: Vector): Resampling {
  const first = positions[0] as Vector;
  const places = positions.map((position) => dot(minus(position, first), normal));
  const last = places.at(-1) as number;
  const step = commonStep(stepsAlong(positions, normal));
  const count = Math.floor(last / step + same) + 1;
  const lower: number[] = [];
  const weight: number[] = [];
  let at = 0;
  for (let k = 0; k < count; k++) {
    const place = k * step;
    while (at + 2 < places.length && (places[at + 1] as number) <= place + same * step) at++;
    const [from, to] = [places[at] as number, places[at + 1] as number];
    const share = Math.min(1, Math.max(0, (place - from) / (to - from)));
    const isFrom = place - from <= same * step;
    const isTo = to - place <= same * step;
    lower.push(at);
    weight.push(isFrom ? 0 : isTo ? 1 : share);
  }
  return {
    lower,
    weight,
    step: scaled(minus(positions.at(-1) as Vector, first), step / last),
    nearest: places.map((place) => Math.min(count - 1, Math.round(place / step))),
    interpolated: weight.filter((share) => share > 0 && share < 1).length,
  };
}
