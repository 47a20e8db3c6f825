/** The benchmarks' tables: Markdown, aligned so that it can be read as text. */

export function seconds(value) {
  if (!Number.isFinite(value)) return "–";
  return value < 1 ? `${digits(value * 1e3)} ms` : `${digits(value)} s`;
}

/** A number of FLOP or bytes with a suitable prefix. */
export function quantity(value, unit) {
  if (!Number.isFinite(value)) return "–";
  const [prefix, scale] = [
    ["T", 1e12],
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ].find(([, s]) => value >= s) ?? ["", 1];
  return `${digits(value / scale)} ${prefix}${unit}`;
}

function digits(value) {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** All that was printed since the program began, for a file: tables as they are, and steps with their numbers. */
export const printed = [];

export function printTable(header, rows) {
  printed.push({ header, rows });
  print(header, rows);
}

function print(header, rows) {
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column].length)),
  );
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  console.log(line(header));
  console.log(line(widths.map((width) => "-".repeat(width))));
  for (const row of rows) console.log(line(row));
  console.log();
}

/**
 * One line for each step and peer. A step is { what, size, floor: { amount, unit: "FLOP" | "B" }, time, runs, peer: its
 * name, peerTime: undefined if it did not run, atMost: the bound on ours ÷ peer, if any }; times in seconds.
 */
export function printSteps(steps, peaks) {
  printed.push({
    peaks,
    steps: steps.map((step) => ({ ...step, ratio: step.time / step.peerTime })),
  });
  const header = [
    "step",
    "size",
    "floor",
    "ours (median of)",
    "rate",
    "of the peak",
    "peer",
    "its time",
    "ours ÷ peer",
  ];
  const rows = steps.map(({ what, size, floor, time, runs, peer, peerTime, atMost }) => [
    what,
    size,
    `${quantity(floor.amount, floor.unit)}: ${seconds(floor.amount / peaks[floor.unit])}`,
    `${seconds(time)} (${runs})`,
    `${quantity(floor.amount / time, floor.unit)}/s`,
    Number.isFinite(peaks[floor.unit])
      ? `${((100 * floor.amount) / time / peaks[floor.unit]).toFixed(0)} %`
      : "–",
    peer,
    peerTime === undefined ? "absent" : seconds(peerTime),
    peerTime === undefined ? "–" : verdict(time / peerTime, atMost),
  ]);
  print(header, rows);
}

/** A ratio, with its bound if there is one. */
export function verdict(ratio, atMost) {
  const text = ratio.toFixed(3);
  return atMost === undefined ? text : `${text} (${ratio <= atMost ? "≤" : "NOT ≤"} ${atMost})`;
}
