/** Figures and targets as the reports of benchmarks print them. */

const pair = (digits) => (spread) =>
  spread === undefined || spread.count === 0
    ? "–"
    : `${spread.mean.toFixed(digits)} ± ${spread.std.toFixed(digits)}`;

/** Mean and deviation of a spread, with one digit, and with three. */
export const one = pair(1);
export const three = pair(3);

export const plain = (value) => (Number.isFinite(value) ? value.toFixed(3) : "–");
export const percent = (value) => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "–");

/** The columns of a table of targets. */
export const targetColumns = ["target", "reached", "asked", ""];

/** A row of it. @param relation "≥" or "≤" */
export function target(name, value, relation, bound) {
  const met = relation === "≥" ? value >= bound : value <= bound;
  return [name, plain(value), `${relation} ${bound}`, met ? "pass" : "**FAIL**"];
}

/** @param orEqual true where the target is no less, not more. */
export function order(name, values, orEqual = false) {
  const rises = values.every(
    (value, i) => i === 0 || values[i - 1] < value || (orEqual && values[i - 1] === value),
  );
  const reached = values.map(plain).join(", ");
  return [name, reached, orEqual ? "not falling" : "rising", rises ? "pass" : "**FAIL**"];
}
