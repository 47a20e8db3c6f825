/** Networks saved as a part of another module: their tensors' names begin with that part's. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Checkpoint, MedLam, Sam } from "../../lib/index.js";
import { conformance } from "../support/data.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "medlsam-prefix-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A copy as safetensors whose tensors have these prefixes, in turn. */
async function copyBeneath(source: string, prefixes: readonly string[]): Promise<string> {
  const path = join(folder, `${prefixes.join("")}safetensors`);
  const checkpoint = await Checkpoint.open(source);
  await checkpoint.write(path);
  checkpoint.close();
  const file = await readFile(path);
  const length = Number(file.readBigUInt64LE(0));
  const header: Record<string, unknown> = JSON.parse(file.toString("utf8", 8, 8 + length));
  const { __metadata__, ...tensors } = header;
  const renamed = Object.entries(tensors).flatMap(([name, entry]) =>
    prefixes.map((prefix) => [prefix + name, entry]),
  );
  const text = Buffer.from(JSON.stringify(Object.fromEntries(renamed)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  await writeFile(path, Buffer.concat([size, text, file.subarray(8 + length)]));
  return path;
}

test.each([
  {
    network: "SAM",
    load: (path: string) => Sam.load(path),
    source: conformance("sam/sam_tiny.pth"),
  },
  {
    network: "MedLAM",
    load: (path: string) => MedLam.load(path),
    source: conformance("medlam/medlam.pth"),
  },
])("a $network under a prefix is recognized and loaded", async ({ network, load, source }) => {
  const path = await copyBeneath(source, ["net.part."]);
  const checkpoint = await Checkpoint.open(path);
  expect(checkpoint.looksLike).toBe(network);
  checkpoint.close();
  const [plain, beneath] = [await load(source), await load(path)];
  expect(beneath.fingerprint).toBe(plain.fingerprint);
  plain.close();
  beneath.close();
});

test("two networks in one file are refused by name", async () => {
  const path = await copyBeneath(conformance("sam/sam_tiny.pth"), ["student.", "teacher."]);
  await expect(Sam.load(path)).rejects.toMatchObject({
    code: "BAD_CHECKPOINT",
    message: expect.stringContaining("'student' and 'teacher'"),
  });
});
