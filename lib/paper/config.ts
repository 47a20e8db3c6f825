/**
 * The published code's configuration: an ini file that names lists of support and query scans, the classes and the
 * networks. It is read as that code reads it, so that its configs run unchanged.
 */
import { aPath, checkArguments } from "../base/arguments.js";
import { InputError } from "../base/errors.js";
import { readPathList } from "../formats/lists.js";
import { badAnnotation, readAnnotationText } from "../formats/text-file.js";
import type { Scale } from "../localization/result.js";
import type { Strategy } from "../localization/templates.js";
import { type IniSection, parseIni } from "./ini.js";

/** Paths are as the files give them: relative ones start at the current folder. */
export interface PublishedConfig {
  /** `support_image_ls`, `support_label_ls`: annotated scans and, in the same order, their label maps. */
  supportImages: string[];
  supportLabels: string[];
  /** `query_image_ls`, `query_label_ls`: what is localized, and what that is compared with. */
  queryImages: string[];
  queryLabels: string[];
  /** `fg_class`: labels, in the order of the results. */
  classes: number[];
  /** `bbox_mode`. */
  strategy: Strategy;
  /** `slice_interval`: grid slices (3 mm) a part has at least. Only with "spl". */
  sliceInterval?: number;
  /** `feature_scale_ls`: ascending; empty: no search, the network's position alone. All three by default. */
  scales: Scale[];
  /**
   * `gt_slice_threshold`: only slices with more annotated pixels than this, of all classes together, are segmented. 0
   * where a config without a segmentation network leaves it out.
   */
  gtSliceThreshold: number;
  /** `seg_save_path`: where masks go; without it none are wanted. */
  segmentationFolder?: string;
  /** `seg_png_save_path`: where pictures go; without it none are wanted. */
  pngFolder?: string;
  /** `medlam_load_path`: a checkpoint. */
  medlam: string;
  /** `vit_load_path` and `net_type`: a SAM checkpoint. Without it organs are only localized. */
  sam?: { path: string; netType: string };
}

/**
 * Reads a config and the four lists it names.
 * @throws InputError `BAD_ANNOTATION` naming file, line, key and section, `FILE_NOT_FOUND`, `READ_FAILED`.
 */
export async function readPublishedConfig(path: string): Promise<PublishedConfig> {
  checkArguments("readPublishedConfig", { path: [path, aPath] });
  const sections = parseIni(path, await readAnnotationText(path));
  const data = new Keys(path, "data", sections.get("data"));
  const weight = new Keys(path, "weight", sections.get("weight"));
  const vit = new Keys(path, "vit", sections.get("vit"));

  const mode = strategy(data);
  const sliceInterval = mode === "spl" ? interval(data) : undefined;
  const segmentationFolder = data.path("seg_save_path");
  const pngFolder = data.path("seg_png_save_path");
  const isLocalizing = !sections.has("vit") && weight.text("vit_load_path") === undefined;
  const sam = isLocalizing ? undefined : segmenter(weight, vit);
  const settings = {
    classes: classes(data),
    strategy: mode,
    scales: scales(data),
    gtSliceThreshold: threshold(data, sam !== undefined),
    medlam: weight.requiredPath("medlam_load_path"),
  };
  const [supportImages, supportLabels] = await readPair(
    data,
    "support_image_ls",
    "support_label_ls",
  );
  const [queryImages, queryLabels] = await readPair(data, "query_image_ls", "query_label_ls");
  return {
    supportImages,
    supportLabels,
    queryImages,
    queryLabels,
    ...settings,
    ...(sliceInterval !== undefined && { sliceInterval }),
    ...(segmentationFolder !== undefined && { segmentationFolder }),
    ...(pngFolder !== undefined && { pngFolder }),
    ...(sam !== undefined && { sam }),
  };
}

/** One section, and how its errors are told. A key without a value counts as one that is not there. */
class Keys {
  constructor(
    private readonly file: string,
    private readonly name: string,
    private readonly entries: IniSection = new Map(),
  ) {}

  has(key: string): boolean {
    return this.entries.has(key);
  }

  text(key: string): string | undefined {
    const value = this.entries.get(key)?.value;
    return value === "" ? undefined : value;
  }

  required(key: string, form: string): string {
    const text = this.text(key);
    if (text !== undefined) return text;
    throw badAnnotation(
      this.file,
      `${key} of [${this.name}] is missing. Add a line "${key} = ${form}" to that section.`,
    );
  }

  path(key: string): string | undefined {
    const text = this.text(key);
    if (text?.includes("\n")) throw this.error(key, "must be a path on one line");
    return text;
  }

  requiredPath(key: string): string {
    this.required(key, "path");
    return this.path(key) as string;
  }

  error(key: string, message: string): InputError {
    const text = this.text(key) ?? "";
    const hint = /\s[#;]/.test(text) ? " (comments need lines of their own)" : "";
    return badAnnotation(
      this.file,
      `${this.place(key)} ${message}, not ${JSON.stringify(shortened(text))}${hint}.`,
    );
  }

  place(key: string): string {
    return `line ${this.entries.get(key)?.line}: ${key} of [${this.name}]`;
  }

  /** An error of the list that `key` names, told with where it is named. */
  listError(key: string, cause: InputError): InputError {
    const hint =
      cause.code === "FILE_NOT_FOUND"
        ? " Relative paths start at the current folder, not at the config's."
        : "";
    return new InputError(cause.code, `${this.file}: ${this.place(key)}: ${cause.message}${hint}`, {
      cause,
    });
  }
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The items of `[a, b]`, or nothing for another value. */
function listItems(text: string): string[] | undefined {
  if (!text.startsWith("[") || !text.endsWith("]") || text.length < 2) return undefined;
  const inner = text.slice(1, -1).trim();
  return inner === "" ? [] : inner.split(",").map((item) => item.trim());
}

/** The published code knows decimals and exponents, but not both in one number. */
const isNumber = (text: string) => /^-?\d+(\.\d+|e-?\d+)?$/.test(text);
const isFalse = (text: string) => text === "False" || text === "false";

const maxLabel = 65535;

function classes(data: Keys): number[] {
  const items = listItems(data.required("fg_class", "[1, 2]")) ?? [];
  const labels = items.map((item) => (/^\d+$/.test(item) ? Number(item) : 0));
  if (labels.length === 0 || labels.some((label) => label < 1 || label > maxLabel)) {
    throw data.error("fg_class", `must be a list of labels from 1 to ${maxLabel} such as [1, 2]`);
  }
  if (new Set(labels).size < labels.length) {
    throw data.error("fg_class", "must name every label once");
  }
  return labels;
}

function strategy(data: Keys): Strategy {
  const text = data.required("bbox_mode", "WPL");
  if (text === "WPL") return "wpl";
  if (text === "SPL") return "spl";
  throw data.error("bbox_mode", "must be WPL (whole organs) or SPL (their parts)");
}

function interval(data: Keys): number {
  const text = data.required("slice_interval", "2");
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw data.error("slice_interval", "must be a whole number above 0 with SPL");
}

const scaleNames = ["feature0", "feature1", "feature2"];

function scales(data: Keys): Scale[] {
  if (!data.has("feature_scale_ls")) return [0, 1, 2];
  const text = data.text("feature_scale_ls") ?? "";
  const items = isFalse(text) ? [] : listItems(text);
  const found = items?.map((item) => scaleNames.indexOf(item)).sort();
  if (found === undefined || found.includes(-1) || new Set(found).size < found.length) {
    throw data.error(
      "feature_scale_ls",
      "must be a list of some of feature0, feature1 and feature2, each once, or False",
    );
  }
  return found as Scale[];
}

function threshold(data: Keys, isNeeded: boolean): number {
  const text = isNeeded
    ? data.required("gt_slice_threshold", "10")
    : data.text("gt_slice_threshold");
  if (text === undefined || isFalse(text)) return 0;
  const value = isNumber(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw data.error("gt_slice_threshold", "must be a number of pixels");
}

function segmenter(weight: Keys, vit: Keys): { path: string; netType: string } {
  return {
    path: weight.requiredPath("vit_load_path"),
    netType: vit.required("net_type", "vit_b"),
  };
}

async function readPair(
  data: Keys,
  imagesKey: string,
  labelsKey: string,
): Promise<[string[], string[]]> {
  const images = await readList(data, imagesKey);
  const labels = await readList(data, labelsKey);
  if (images.length !== labels.length) {
    throw badAnnotation(
      data.requiredPath(labelsKey),
      `has ${labels.length} paths, but ${data.requiredPath(imagesKey)} has ${images.length}. List every image's label map in the images' order.`,
    );
  }
  return [images, labels];
}

async function readList(data: Keys, key: string): Promise<string[]> {
  return readPathList(data.requiredPath(key)).catch((cause: unknown) => {
    throw cause instanceof InputError ? data.listError(key, cause) : cause;
  });
}
