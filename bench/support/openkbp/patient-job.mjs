/** What is done for each patient: whatever the steps ask for and no earlier run has measured. */
import { absentKey, measureAbsent } from "./absent.mjs";
import { measureBoxes, missingRows } from "./boxes.mjs";
import { masksKey, measureMasks, segmentedRows } from "./masks.mjs";

/** The job for `runCases`. */
export function patientJob(rows, context) {
  const { patients, results, networks, steps } = context;
  const main = rows.find(({ role }) => role === "main");
  const segmented = networks.sam ? segmentedRows(rows) : [];
  const lacks = {
    boxes: (name) => missingRows(rows, results, name).length > 0,
    masks: (name) =>
      segmented.length > 0 && results.read(masksKey(segmented, networks), name) === undefined,
    absent: (name) => steps.includes("absent") && results.read(absentKey(main), name) === undefined,
  };
  return {
    skip: async ({ name }) =>
      Object.values(lacks).some((lacking) => lacking(name)) ? undefined : "measured",
    prepare: ({ name }) => patients.open(name),
    async work({ name }, scan, { onNote }) {
      if (lacks.boxes(name)) await measureBoxes(name, scan, rows, context, onNote);
      if (lacks.masks(name)) {
        onNote("masks");
        await measureMasks(name, scan, segmented, context);
      }
      if (lacks.absent(name)) {
        onNote("cut fields of view");
        await measureAbsent(name, scan, main, context);
      }
    },
    release({ image, labels }) {
      image.close();
      labels.close();
    },
  };
}
