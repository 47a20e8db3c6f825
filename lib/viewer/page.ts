/**
 * A page of HTML that shows a scan, its organs' masks and boxes, and what is known of them. It is one file that needs no
 * network: the viewer, niivue and the volumes are in it, and it tells the browser to load nothing else.
 */
import { createReadStream } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { CallOptions } from "../addon/call.js";
import { InputError, unreadable } from "../base/errors.js";
import { labelColor } from "../formats/label-names.js";
import type { Box, Triple } from "../geometry/box.js";
import { writeParts } from "./write-parts.js";

export interface PageOrgan {
  name: string;
  label: number;
  /** Whether it was found. */
  present: boolean;
  /** Where it is, or was looked for: stored voxels, (z, y, x). */
  box?: Box;
  parts?: readonly Box[];
  /** The box around the truth's mask. */
  truth?: Box;
  /** A cell for each of the page's columns. */
  cells: readonly string[];
}

export interface Page {
  title: string;
  /** Stands out; "" for none. */
  note: string;
  /** Paragraphs below the title. */
  about: readonly string[];
  /** Headings after the organ's name. */
  columns: readonly string[];
  organs: readonly PageOrgan[];
  /** A last row. */
  summary?: readonly string[];
  /** The scan, .nii or .nii.gz. */
  image: string;
  /** A label map of `organs` on the same voxels. */
  masks: string;
  /** Geometry of the scan: voxels along (z, y, x); voxel (x, y, z, 1) → RAS mm, row-major. */
  shape: Triple;
  affine: readonly number[];
}

const asset = (name: string) =>
  fileURLToPath(new URL(`../../lib/viewer/assets/${name}`, import.meta.url));

/** Nothing is loaded but what is in the page; niivue's fonts are data: URLs. */
const policy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; connect-src data: blob:";

/** @throws InputError for a file of the viewer that the package lacks. */
export async function requireViewer(): Promise<void> {
  for (const name of ["style.css", "viewer.js", "niivue.js"]) {
    const path = asset(name);
    await access(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "ENOENT") throw unreadable(path, cause);
      const repair = "Install medlsam again; in a clone, run npm run compile.";
      throw new InputError(
        "FILE_NOT_FOUND",
        `${path}: the page's viewer lacks this file, which is part of the package. ${repair}`,
        { cause },
      );
    });
  }
}

/** Writes the page, whole or not at all. @throws OutputError; InputError for a volume that cannot be read. */
export async function writePage(path: string, page: Page, options: CallOptions): Promise<void> {
  await writeParts(path, parts(page), options);
}

async function* parts(page: Page): AsyncGenerator<string> {
  const [style, viewer] = await Promise.all(
    ["style.css", "viewer.js"].map((name) => readFile(asset(name), "utf8")),
  );
  yield `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)}</title>
<style>
${style}</style>
</head>
<body>
${body(page)}
<script type="application/json" id="data">${viewerData(page)}</script>
`;
  yield* volume("ct", page.image);
  yield* volume("masks", page.masks);
  yield "<script>\n";
  yield* contents(asset("niivue.js"), "utf8");
  yield `</script>\n<script>\n${viewer}</script>\n</body>\n</html>\n`;
}

function body({ title, note, about, columns, organs, summary }: Page): string {
  const headings = ["organ", ...columns].map((text) => `<th scope="col">${escapeHtml(text)}</th>`);
  const foot = summary && `<tfoot><tr>${cells(["mean", ...summary])}</tr></tfoot>`;
  return `<h1>${escapeHtml(title)}</h1>
${note === "" ? "" : `<p class="note">${escapeHtml(note)}</p>`}
${about.map((text) => `<p class="faint">${escapeHtml(text)}</p>`).join("\n")}
<p class="failure" id="failure" hidden></p>
<p class="failure" id="no-webgl" hidden>This browser has no WebGL 2, which showing the scan needs; the table and the
files beside this page have all results.</p>
<main>
<section id="view">
<div class="bar">
<label>Window <select id="window"><option>soft tissue</option><option>lung</option><option>bone</option></select></label>
<label>Masks <input type="range" id="opacity" min="0" max="1" step="0.05" value="0.5"></label>
<label>Boxes <input type="checkbox" id="boxes-shown" checked></label>
<span class="faint" id="location"></span>
</div>
<div class="canvas"><canvas id="planes"></canvas></div>
<div class="canvas"><canvas id="body"></canvas></div>
<p class="bar faint">Click into a slice to move there, turn the wheel to go through slices, drag the body to turn it,
click an organ in the table to go to it and see its boxes alone. The patient's right is on the left.</p>
</section>
<table>
<thead><tr>${headings.join("")}</tr></thead>
<tbody>
${organs.map(row).join("\n")}
</tbody>
${foot ?? ""}
</table>
</main>`;
}

function row({ name, label, cells: values }: PageOrgan): string {
  const swatch = `<span class="swatch" style="background:rgb(${color(label).join(",")})"></span>`;
  const first = `<td>${swatch}${escapeHtml(name)}</td>`;
  return `<tr data-organ="${escapeHtml(name)}" tabindex="0">${first}${cells(values)}</tr>`;
}

function cells(values: readonly string[]): string {
  return values.map((value) => `<td>${escapeHtml(value)}</td>`).join("");
}

/** Data that the viewer reads. No "<" is left that could end its element. */
function viewerData({ organs, affine, shape }: Page): string {
  const shown = organs.map(({ name, label, present, box, parts: boxes, truth }) => ({
    name,
    label,
    color: color(label),
    present,
    box,
    truth,
    boxes: boxes ?? (box ? [box] : []),
  }));
  return JSON.stringify({ affine, shape, organs: shown }).replaceAll("<", "\\u003c");
}

async function* volume(id: string, path: string): AsyncGenerator<string> {
  const name = escapeHtml(basename(path));
  yield `<script type="text/plain" id="${id}" data-name="${name}">`;
  yield* contents(path, "base64");
  yield "</script>\n";
}

/** A file piece by piece: a whole one, decoded at once, would hold up the event loop. */
async function* contents(path: string, encoding: "utf8" | "base64"): AsyncGenerator<string> {
  try {
    yield* createReadStream(path, { encoding }) as AsyncIterable<string>;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function color(label: number): number[] {
  return labelColor(label).map((channel) => Math.round(255 * channel));
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
