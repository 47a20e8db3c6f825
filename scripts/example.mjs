/**
 * `npm run example`: templates from two annotated CTs of the conformance data, and with them the organs of a third, found
 * and segmented into build/example. The networks are small and random, so the masks mean nothing; the steps are those of
 * real use.
 */
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const data = "test/conformance/data";
const scan = (name) => `${data}/ct/${name}.nii.gz`;
const medlamOption = ["--medlam", `${data}/medlam/medlam.pth`];
const templates = "build/example.templates.safetensors";

function medlsam(...args) {
  const { status } = spawnSync(process.execPath, ["dist/cli/main.js", ...args], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

const supports = ["a", "b"];
medlsam(
  ...["template", "build", ...supports.map(scan)],
  ...["--labels", ...supports.map((name) => scan(`${name}_label`))],
  ...[...medlamOption, "-o", templates],
);
medlsam(
  ...["segment", scan("q"), "-t", templates, ...medlamOption],
  ...["--sam", `${data}/sam/sam_tiny.pth`, "-o", "build/example", "--statistics", "--preview"],
  // Random networks find nothing similar: every organ counts as present.
  ...["--min-score", "-1"],
);
