/** Templates from phantoms that no training and no held-out figure uses, kept in a folder for the next run. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildTemplates, makePhantom, phantomNames, Templates } from "../../../dist/index.js";

/** Seeds of the phantoms from which templates are made, in the order of their use. */
export const supportSeeds = [20011, 20012, 20013, 20014, 20015];

/**
 * Templates of the first `count` supports.
 * @param options { medlam, survey, threads, folder, organs, region, supportSpacing, sliceInterval, progress }; region and spacing
 * as the seeds draw them if undefined.
 */
export async function makeTemplates(strategy, count, options) {
  const { medlam, survey, threads, folder, organs } = options;
  const { region, supportSpacing, sliceInterval } = options;
  const how = strategy === "spl" ? { sliceInterval } : {};
  const made = { version: 2, survey, count, organs, region, supportSpacing, strategy, ...how };
  const key = createHash("sha256").update(JSON.stringify(made)).digest("hex").slice(0, 8);
  const path = join(folder, `${medlam.fingerprint}-${strategy}-${count}-${key}.safetensors`);
  if (!existsSync(path)) {
    options.progress(`${strategy} templates of ${count}`);
    const phantoms = [];
    try {
      for (const seed of supportSeeds.slice(0, count)) {
        phantoms.push(await makePhantom({ seed, region, spacing: supportSpacing, threads }));
      }
      const names = phantomNames();
      const classes = [...names.keys()].filter(
        (label) => organs?.includes(names.get(label)) ?? true,
      );
      const supports = phantoms;
      const built = await buildTemplates({
        ...{ medlam, survey, threads, supports, names, strategy, ...how },
        ...(organs && { classes }),
      });
      await built.save(path);
      built.close();
    } finally {
      for (const { image, labels } of phantoms) {
        image.close();
        labels.close();
      }
    }
  }
  // As a user has them: the file keeps the large kernels as float16.
  return Templates.open(path);
}
