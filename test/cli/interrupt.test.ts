import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { medlam, type Running, scan, start, supports } from "../support/command.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-interrupt-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const templates = await sharedTemplates("small");
const build = ["template", "build", ...supports, "--classes", "1,2", "--medlam", medlam, "-o"];

// Enough scans that every signal comes while there is work left.
const scans = Array.from({ length: 30 }, (_, i) => at(`scan${i}.nii.gz`));

beforeAll(async () => {
  for (const path of scans) symlinkSync(scan, path);
});

/** Sends the signal and returns the seconds until the process is gone. */
async function interrupt(running: Running, signal: "SIGINT" | "SIGTERM"): Promise<number> {
  const sent = performance.now();
  running.process.kill(signal);
  const { code, stderr } = await running.done;
  expect(code, stderr).toBe(130);
  return (performance.now() - sent) / 1000;
}

describe("Ctrl-C", () => {
  it.each([
    ["SIGINT", "scan0.nii.gz: grid"],
    ["SIGINT", "scan0.nii.gz: search"],
    ["SIGINT", "in this scan"],
    ["SIGTERM", "scan2.nii.gz: search"],
  ] as const)(
    "%s after “%s” stops localize within a second, all files whole",
    async (signal, moment) => {
      const output = mkdtempSync(at("out-"));
      const args = ["-t", templates, "--medlam", medlam, "-o", output, "--markups"];
      const running = start(["localize", ...scans, ...args]);
      await running.says(moment);
      expect(await interrupt(running, signal)).toBeLessThan(1);
      const files = readdirSync(output);
      expect(files.filter((name) => !name.endsWith(".json"))).toEqual([]);
      expect(files.length).toBeLessThan(2 * scans.length);
      for (const name of files) {
        expect(() => JSON.parse(readFileSync(join(output, name), "utf8"))).not.toThrow();
      }
    },
  );

  it.each(["support 1 of 2", "support 2 of 2"])(
    "stops template build after “%s”",
    async (moment) => {
      const output = mkdtempSync(at("build-"));
      const running = start([...build, join(output, "new.safetensors")]);
      await running.says(moment);
      expect(await interrupt(running, "SIGINT")).toBeLessThan(1);
      expect(readdirSync(output)).toEqual([]);
    },
  );

  it("ends at once when pressed twice", async () => {
    const running = start(["localize", ...scans, "-t", templates, "--medlam", medlam]);
    await running.says("scan0.nii.gz: search");
    running.process.kill("SIGINT");
    expect(await interrupt(running, "SIGINT")).toBeLessThan(0.5);
  });
});
