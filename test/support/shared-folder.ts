/** Vitest's global setup: a folder for what the test files of a run share, removed at its end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    sharedFolder: string;
  }
}

export default function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "medlsam-shared-"));
  provide("sharedFolder", folder);
  return () => rmSync(folder, { recursive: true });
}
