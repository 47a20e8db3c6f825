import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Checkpoint, MedLam, models, Templates, Volume } from "../../lib/index.js";
import { failure } from "../support/api.js";
import { data, scan } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-kinds-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const dicom = Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), Buffer.alloc(200)]);
const others = {
  json: file("boxes.json", '{ "version": 1 }'),
  text: file("names.txt", "liver\nspleen\n"),
  dicom: file("IM0001", dicom),
  png: file("preview.png", Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1")),
};

describe("a file of another kind is called what it looks like", () => {
  const cases: [string, () => Promise<unknown>, string, RegExp][] = [
    ["a scan as templates", () => Templates.open(scan), "BAD_TEMPLATES", /with gzip/],
    [
      "a network as templates",
      () => Templates.open(data("medlam/medlam.pth")),
      "BAD_TEMPLATES",
      /a PyTorch checkpoint/,
    ],
    ["boxes as templates", () => Templates.open(others.json), "BAD_TEMPLATES", /a JSON file/],
    ["a scan as a network", () => MedLam.load(scan), "BAD_CHECKPOINT", /with gzip/],
    [
      "a picture as a checkpoint",
      () => Checkpoint.open(others.png),
      "BAD_CHECKPOINT",
      /a PNG picture/,
    ],
    [
      "DICOM as a checkpoint",
      () => Checkpoint.open(others.dicom),
      "BAD_CHECKPOINT",
      /a DICOM file/,
    ],
    [
      "a network as a scan",
      () => Volume.read(data("medlam/medlam.pth")),
      "BAD_VOLUME",
      /a PyTorch checkpoint/,
    ],
    [
      "templates as a scan",
      () => Volume.read(models("demo").files.templates),
      "BAD_VOLUME",
      /a safetensors file/,
    ],
    ["names as a scan", () => Volume.read(others.text), "BAD_VOLUME", /a text file/],
  ];
  it.each(cases)("%s", async (_, open, code, kind) => {
    const error = await failure(open);
    expect(error).toMatchObject({ code });
    expect(error?.message).toMatch(new RegExp(`looks like .*${kind.source}`));
    expect(error?.message).not.toMatch(/truncated|damaged/);
  });
});
