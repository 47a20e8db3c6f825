import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
// Within the package, where @types/node is found.
mkdirSync(join(root, "build"), { recursive: true });
const folder = mkdtempSync(join(root, "build", "consumer-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a program that uses the package may write, and, marked, what it may not. */
const program = `
import {
  type Box, evaluate, Grid, localize, MedLam, type PhysicalBox, type Progress, roiMarkups, Sam,
  Segmentation, type SegmentedOrgan, segment, Templates, Volume,
} from "${join(root, "dist/index.js")}";

async function use(path: string): Promise<number> {
  using volume = await Volume.read(path);
  await using sam = await Sam.load("sam.pth");
  using medlam = await MedLam.load("medlam.pth", { device: "cuda:0" });
  const templates = await Templates.open("liver.templates");
  const onProgress = ({ phase, item }: Progress) => phase === "support" && item?.index;
  const found = await localize(volume, { medlam, templates, onProgress });
  roiMarkups(found, volume);
  const run = segment(volume, { segmenter: sam, organs: found.organs, onProgress });
  run.catch(() => {}).finally(() => {});
  for await (const organ of run) await organ.write(organ.name);
  const [all]: Segmentation[] = await Promise.all([run]);
  const organ: SegmentedOrgan | undefined = all?.organs.liver;
  await evaluate({ prediction: { liver: path }, truth: volume });

  const box: Box | undefined = found.organs.liver?.box;
  // @ts-expect-error Millimetres are not voxels.
  const mm: PhysicalBox | undefined = box;
  // @ts-expect-error What native code holds is internal.
  volume.handle;
  // @ts-expect-error
  templates.requireNetwork(medlam);
  // @ts-expect-error
  (await Grid.make(volume)).toStored([0, 0, 0]);
  // @ts-expect-error
  new Segmentation();
  return (organ?.voxels ?? 0) + (mm ? 1 : 0);
}
void use;
`;

it("the published types are whole: a strict program that checks its libraries compiles, internals left out", async () => {
  writeFileSync(join(folder, "program.ts"), program);
  const options = {
    ...{ target: "ES2023", lib: ["ES2023", "ESNext.Disposable"], types: ["node"] },
    ...{ module: "NodeNext", strict: true, skipLibCheck: false, noEmit: true },
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["program.ts"] }),
  );
  const tsc = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  const { code, stdout } = await new Promise<{ code: number; stdout: string }>((resolve) =>
    execFile(process.execPath, [tsc, "-p", folder], (error, stdout) =>
      resolve({ code: error ? 1 : 0, stdout }),
    ),
  );
  expect(stdout).toBe("");
  expect(code).toBe(0);
});
