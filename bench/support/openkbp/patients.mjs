/** OpenKBP's patients (Babier et al., Medical Physics 48, 5549, 2021) in a folder of NIfTI files. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError, Volume } from "../../../dist/index.js";

/**
 * @returns { names: by label, supports: names of the patients for templates, measured: of those to measure on, open(name) →
 * { image, labels } }.
 * @throws InputError for a folder that lacks what is needed.
 */
export function openPatients({ data, supports, limit, threads }) {
  const split = readSplit(join(data, "split.json"));
  const file = (folder, name) => join(data, folder, `${name}.nii.gz`);
  const most = supports[0];
  const chosen = {
    supports: split.templates5.slice(0, most),
    measured: split.dev.slice(0, limit),
  };
  if (chosen.supports.length < most) {
    throw new InputError(
      "BAD_ANNOTATION",
      `${data}: names ${chosen.supports.length} patients for templates, fewer than the ${most} of --supports.`,
    );
  }
  const needed = [...chosen.supports, ...chosen.measured];
  const lacking = needed.filter((name) =>
    ["images", "labels"].some((folder) => !existsSync(file(folder, name))),
  );
  if (lacking.length > 0) {
    throw new InputError(
      "FILE_NOT_FOUND",
      `${data}: lacks the image or the label map of ${lacking.join(", ")}.`,
    );
  }
  return {
    ...chosen,
    names: new Map(Object.entries(split.labels).map(([name, label]) => [label, name])),
    async open(name) {
      const image = await Volume.read(file("images", name), { threads });
      try {
        return { image, labels: await Volume.read(file("labels", name), { threads }) };
      } catch (error) {
        image.close();
        throw error;
      }
    },
  };
}

function readSplit(path) {
  if (!existsSync(path)) {
    throw new InputError("FILE_NOT_FOUND", `${path}: is not there. It says who serves for what.`);
  }
  return JSON.parse(readFileSync(path, "utf8"));
}
