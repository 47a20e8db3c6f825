/** The patients of a folder in one of two layouts, and which of them serve for what. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError, Volume } from "../../../dist/index.js";
import { isFile, organNames, readPatient } from "./csv.mjs";

/** OpenKBP's folders, and what a patient of theirs is called here: train_pt_17 for train-pats/pt_17. */
const parts = { train: "train-pats", valid: "valid-pats", test: "test-pats" };

/**
 * Patients of the public data that have all seven organs and the whole field of view. On these it was worked on models and
 * methods; nobody trained on them.
 */
const publicSplit = {
  supports: [17, 60, 83, 112, 115].map((number) => `train_pt_${number}`),
  measured: [
    4, 13, 31, 34, 59, 61, 66, 82, 87, 95, 96, 99, 100, 109, 119, 122, 132, 144, 157, 168, 172, 182,
    187, 200,
  ].map((number) => `train_pt_${number}`),
};

/**
 * @param options { data, supports, limit, threads }
 * @returns { names: by label, supports: names of the patients that templates are made of, measured: of those to measure on, open(name)
 * → { image, labels } }.
 * @throws InputError for a folder that lacks what is needed.
 */
export function openPatients({ data, supports, limit, threads }) {
  const layout = layoutOf(data, threads);
  const most = supports[0];
  const chosen = {
    supports: layout.split.supports.slice(0, most),
    measured: layout.split.measured.slice(0, limit),
  };
  if (chosen.supports.length < most) {
    throw new InputError(
      "BAD_ANNOTATION",
      `${data}: names ${chosen.supports.length} patients for templates, fewer than the ${most} of --supports.`,
    );
  }
  const lacking = [...chosen.supports, ...chosen.measured].filter((name) => !layout.has(name));
  if (lacking.length > 0) {
    throw new InputError(
      "FILE_NOT_FOUND",
      `${data}: lacks ${layout.needs} of ${lacking.join(", ")}. Get the whole data set, or measure fewer (--patients N).`,
    );
  }
  return { ...chosen, names: layout.names, open: layout.open };
}

function layoutOf(data, threads) {
  const split = join(data, "split.json");
  if (isFile(split)) return niftiLayout(data, split, threads);
  const root = [data, join(data, "provided-data")].find((folder) =>
    existsSync(join(folder, parts.train)),
  );
  if (root !== undefined) return csvLayout(root);
  throw new InputError(
    "FILE_NOT_FOUND",
    `${data}: neither OpenKBP's folder (provided-data/train-pats/pt_1/ct.csv, …) nor one of images/, labels/ and split.json.`,
  );
}

/** As published: a folder of CSV files for each patient. */
function csvLayout(root) {
  const folderOf = (name) => {
    const [, part, patient] = /^(\w+?)_(pt_\d+)$/.exec(name) ?? [];
    return join(root, parts[part] ?? name, patient ?? "");
  };
  return {
    split: publicSplit,
    names: organNames,
    needs: "ct.csv or voxel_dimensions.csv",
    has: (name) =>
      ["ct.csv", "voxel_dimensions.csv"].every((file) => isFile(join(folderOf(name), file))),
    open: (name) => readPatient(folderOf(name)),
  };
}

/** NIfTI files NAME.nii.gz in images/ and labels/, and split.json: { labels: by name, templates5, dev }. */
function niftiLayout(data, path, threads) {
  const split = readSplit(path);
  const file = (folder, name) => join(data, folder, `${name}.nii.gz`);
  return {
    split: { supports: split.templates5, measured: split.dev },
    names: new Map(Object.entries(split.labels).map(([name, label]) => [label, name])),
    needs: "the image or the label map",
    has: (name) => ["images", "labels"].every((folder) => isFile(file(folder, name))),
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
  try {
    const split = JSON.parse(readFileSync(path, "utf8"));
    const complete =
      Array.isArray(split.templates5) &&
      Array.isArray(split.dev) &&
      Number.isInteger(Object.values(split.labels)[0]);
    if (complete) return split;
  } catch (cause) {
    throw new InputError("BAD_ANNOTATION", `${path}: ${cause.message}`, { cause });
  }
  throw new InputError("BAD_ANNOTATION", `${path}: lacks "templates5", "dev" or "labels".`);
}
