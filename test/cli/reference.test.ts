/** docs/reference/cli.md against the help of the commands. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("the reference of the commands is what --help prints", () => {
  const script = fileURLToPath(new URL("../../scripts/cli-reference.mjs", import.meta.url));
  const { stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
});
