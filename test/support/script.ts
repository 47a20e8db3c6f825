/** Programs that use the compiled package, each in a process of its own. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The compiled package, to import in a program or a Worker. */
export const packageUrl = new URL("../../dist/index.js", import.meta.url).href;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What the program wrote last, as JSON; undefined if it wrote nothing. */
  value: unknown;
  stderr: string;
}

/** Runs an ES module's text, with more in its environment. */
export function runScript(source: string, environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    timeout: 600_000, // only to end one that hangs
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    output.stdout += text;
  });
  child.stderr.on("data", (text) => {
    output.stderr += text;
  });
  return new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => {
      const last = output.stdout.trimEnd().split("\n").at(-1) ?? "";
      const value: unknown = last === "" ? undefined : JSON.parse(last);
      resolve({ code, signal, value, stderr: output.stderr });
    });
  });
}
