/** Plots a learning curve as a web page: HTML with inline SVG, which opens offline. */

/** A line of `curve.jsonl`: the figures of a step or, where it has `epoch`, of an epoch. */
export interface CurveRecord {
  step: number;
  epoch?: number;
  [figure: string]: number | undefined;
}

/** A diagram whose x axis is the steps. */
export interface Panel {
  title: string;
  scale?: "linear" | "log";
  series: readonly Series[];
  /** A series more for each of an epoch's figures whose name is this and what follows it, such as "labelDice.". */
  each?: string;
}

/** One line of a diagram. Steps that share a point of it are averaged. */
export interface Series {
  name: string;
  /** The figure to average; undefined for records without it. */
  of: (record: CurveRecord) => number | undefined;
  /** Converts an average into the value drawn; by default the average itself. */
  shown?: (mean: number) => number;
}

interface Point {
  step: number;
  value: number;
}

/** Points along the x axis: about as many as a screen can resolve. */
const bins = 400;

/** The page's HTML, without panels that have no point. `last` is the last step and the end of the x axis. */
export async function curvePage(
  title: string,
  panels: readonly Panel[],
  records: AsyncIterable<CurveRecord>,
  last: number,
): Promise<string> {
  const drawn = panels.map((panel) => ({
    panel,
    lines: panel.series.map((series) => ({ ...series, sums: new Map<number, Sum>() })),
  }));
  for await (const record of records) {
    const bin = Math.ceil((record.step / last) * bins);
    for (const { panel, lines } of drawn) {
      for (const name of partsOf(record, panel.each)) {
        if (lines.some((line) => line.name === name)) continue;
        const of = ({ [`${panel.each}${name}`]: value }: CurveRecord) => value;
        lines.push({ name, of, sums: new Map() });
      }
    }
    for (const { of, sums } of drawn.flatMap(({ lines }) => lines)) {
      const value = of(record);
      if (value !== undefined && Number.isFinite(value)) add(sums, bin, record.step, value);
    }
  }
  const diagrams = drawn.map(({ panel, lines }) =>
    diagram(
      { ...panel, series: lines },
      lines.map(({ sums, shown = (mean) => mean }) =>
        [...sums.values()].map(({ steps, values, count }) => ({
          step: steps / count,
          value: shown(values / count),
        })),
      ),
      last,
    ),
  );
  return page(title, diagrams.filter((each) => each !== undefined).join("\n"));
}

/** Ends of the names of a record's figures that begin with `prefix`. */
function partsOf(record: CurveRecord, prefix: string | undefined): string[] {
  if (prefix === undefined) return [];
  const names = Object.keys(record).filter((name) => name.startsWith(prefix));
  return names.map((name) => name.slice(prefix.length));
}

interface Sum {
  steps: number;
  values: number;
  count: number;
}

function add(sums: Map<number, Sum>, bin: number, step: number, value: number): void {
  const sum = sums.get(bin) ?? { steps: 0, values: 0, count: 0 };
  sums.set(bin, {
    steps: sum.steps + step,
    values: sum.values + value,
    count: sum.count + 1,
  });
}

const [width, height] = [760, 240];
const frame = { left: 64, right: width - 16, top: 32, bottom: height - 28 };

function diagram(panel: Panel, given: readonly Point[][], last: number): string | undefined {
  const log = panel.scale === "log";
  const lines = given.map((line) => line.filter(({ value }) => !log || value > 0));
  const values = lines.flat().map(({ value }) => value);
  if (values.length === 0) return undefined;
  const warp = log ? Math.log10 : (value: number) => value;
  const [low, high] = extent(values.map(warp), log);
  const x = (step: number) => frame.left + (step / last) * (frame.right - frame.left);
  const y = (value: number) =>
    frame.bottom - ((warp(value) - low) / (high - low)) * (frame.bottom - frame.top);
  const yTicks = log ? logTicks(low, high) : ticks(low, high);
  const parts = [
    `<text class="title" x="${frame.left}" y="16">${escapeText(panel.title)}</text>`,
    ...yTicks.map((tick) => horizontal(y(tick), tick)),
    ...ticks(0, last).map((tick) => label(x(tick), frame.bottom + 18, "middle", tick)),
    ...lines.map((line, i) => curve(line, i, x, y)),
    ...(panel.each === undefined ? legends(panel, lines) : []),
  ];
  const svg = `<svg viewBox="0 0 ${width} ${height}" role="img">\n${parts.join("\n")}\n</svg>`;
  return panel.each === undefined ? svg : `${svg}\n${key(panel, lines)}`;
}

function legends(panel: Panel, lines: readonly Point[][]): string[] {
  return panel.series.flatMap(({ name }, i) =>
    lines[i]?.length ? [legend(name, i, panel.series.length)] : [],
  );
}

/** The names of many lines, under their diagram, each with its last value. */
function key(panel: Panel, lines: readonly Point[][]): string {
  const names = panel.series.map(({ name }, i) => {
    const value = lines[i]?.at(-1)?.value;
    return `<span class="s${i}">${escapeText(name)}</span> ${value?.toFixed(3) ?? ""}`;
  });
  return `<p>${names.join(", ")}</p>`;
}

/** Range of the plotted values plus a margin; not empty even if all values are equal. */
function extent(values: readonly number[], log: boolean): [number, number] {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const room = Math.max((high - low) * 0.05, log ? 0.05 : Math.abs(high) * 0.05, 1e-12);
  return [low - room, high + room];
}

/** About five round numbers from `low` to `high`. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((each) => each * unit >= rough) ?? 10) * unit;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

/** 1, 2 and 5 times each power of ten, or the powers alone if there are many. `low` and `high` are logarithms. */
function logTicks(low: number, high: number): number[] {
  const mantissas = high - low < 3 ? [1, 2, 5] : [1];
  const powers = Array.from(
    { length: Math.ceil(high) - Math.floor(low) + 1 },
    (_, i) => 10 ** (Math.floor(low) + i),
  );
  const all = powers.flatMap((power) => mantissas.map((mantissa) => mantissa * power));
  const inside = all.filter((tick) => Math.log10(tick) >= low && Math.log10(tick) <= high);
  return inside.length >= 2 ? inside : ticks(10 ** low, 10 ** high);
}

function horizontal(y: number, value: number): string {
  const at = y.toFixed(1);
  return (
    `<path class="grid" d="M${frame.left} ${at}H${frame.right}"/>` +
    label(frame.left - 8, y + 4, "end", value)
  );
}

function label(x: number, y: number, anchor: "middle" | "end", value: number): string {
  const shown = Number(value.toPrecision(6));
  const small = shown !== 0 && Math.abs(shown) < 1e-3;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${small ? shown.toExponential() : shown}</text>`;
}

function curve(
  line: readonly Point[],
  i: number,
  x: (step: number) => number,
  y: (value: number) => number,
): string {
  const at = ({ step, value }: Point) => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
  const path = `<path class="line s${i}" d="M${line.map(at).join("L")}"/>`;
  // A line of one point would be invisible.
  const dots = line.length > 1 ? [] : line;
  return (line.length > 1 ? path : "") + dots.map((dot) => circle(dot, i, x, y)).join("");
}

function circle(
  { step, value }: Point,
  i: number,
  x: (step: number) => number,
  y: (value: number) => number,
): string {
  return `<circle class="dot s${i}" cx="${x(step).toFixed(1)}" cy="${y(value).toFixed(1)}" r="2"/>`;
}

function legend(name: string, i: number, count: number): string {
  const x = frame.right - (count - i) * 110;
  return (
    `<path class="line s${i}" d="M${x} 12h18"/>` +
    `<text x="${x + 24}" y="16">${escapeText(name)}</text>`
  );
}

function escapeText(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** Colors of the lines after the first three, far from their neighbors'. */
function moreColors(): string {
  const colors = Array.from({ length: 37 }, (_, i) => [i + 3, (i * 137 + 20) % 360]);
  return colors
    .map(([i, hue]) => `.s${i} { stroke: hsl(${hue} 55% 50%); color: hsl(${hue} 55% 50%); }`)
    .join("\n");
}

function page(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeText(title)}</title>
<style>
:root { color-scheme: light dark; --s0: light-dark(#1f6fb4, #6db3f2); --s1: light-dark(#c8501e, #f4a261); --s2: light-dark(#2c7d4f, #7bd3a0); }
body { max-width: 860px; margin: 2em auto; padding: 0 1em; font: 14px system-ui, sans-serif; }
svg { width: 100%; height: auto; margin: 0.6em 0; }
text { font-size: 12px; fill: currentColor; }
.title { font-weight: 600; }
.grid { stroke: currentColor; opacity: 0.15; }
.line { fill: none; stroke-width: 1.5; }
.dot { fill: none; stroke-width: 5; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); }
span.s0 { color: var(--s0); } span.s1 { color: var(--s1); } span.s2 { color: var(--s2); }
${moreColors()}
</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
${body}
<p>Over the steps; every point is the mean of the steps around it.</p>
</body>
</html>
`;
}
