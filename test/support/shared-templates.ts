/** Template files that several test files use: the first that asks for one makes it, others wait for it. */
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { inject } from "vitest";
import { type BuildOptions, buildTemplates, MedLam } from "../../lib/index.js";
import { conformance } from "./data.js";

const support = (name: string) => ({
  image: conformance(`ct/${name}.nii.gz`),
  labels: conformance(`ct/${name}_label.nii.gz`),
});
const published = {
  supports: [support("a"), support("b")],
  classes: [1, 2, 3, 5, 6],
  conventions: "reference",
} as const;

const recipes = {
  /** One organ of one scan, made in little time. */
  small: { supports: [support("a")], classes: [1] },
  /** As the conformance data's. */
  wpl: { ...published, strategy: "wpl" },
  spl: { ...published, strategy: "spl", sliceInterval: 2 },
} as const satisfies Record<string, Omit<BuildOptions, "medlam">>;

/** The path of a template file for the conformance data's MedLAM. */
export async function sharedTemplates(name: keyof typeof recipes): Promise<string> {
  const path = join(inject("sharedFolder"), `${name}.safetensors`);
  const making = `${path}.making`;
  while (!existsSync(path)) {
    if (!begin(making)) {
      await setTimeout(20);
      continue;
    }
    try {
      if (existsSync(path)) break;
      const medlam = await MedLam.load(conformance("medlam/medlam.pth"));
      const templates = await buildTemplates({ medlam, ...recipes[name] });
      await templates.save(path);
      templates.close();
      medlam.close();
    } finally {
      rmdirSync(making);
    }
  }
  return path;
}

/** Makes the folder that says that somebody is at it; false if it is there. */
function begin(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
