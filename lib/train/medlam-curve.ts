/** What a MedLAM's learning curve holds, and how it is drawn. */
import type { CurveRecord, Panel } from "./plot.js";

/** A figure of the steps, not of the epochs' means. */
function ofStep(figure: string) {
  return ({ epoch, [figure]: value }: CurveRecord) => (epoch === undefined ? value : undefined);
}

function ofEpoch(figure: string) {
  return ({ epoch, [figure]: value }: CurveRecord) => (epoch === undefined ? undefined : value);
}

export const medLamPanels: readonly Panel[] = [
  {
    title: "UAM: error of positions (mm, root mean square)",
    scale: "log",
    series: [
      { name: "training", of: ofStep("uam"), shown: Math.sqrt },
      { name: "other scans", of: ofEpoch("validationMm") },
    ],
  },
  { title: "MSS: loss of features", series: [{ name: "training", of: ofStep("mss") }] },
  {
    title: "Boxes of annotated scans: IoU",
    series: [{ name: "other scans", of: ofEpoch("iou") }],
  },
  {
    title: "Boxes of annotated scans: wall distance (mm)",
    scale: "log",
    series: [{ name: "other scans", of: ofEpoch("wdMm") }],
  },
  {
    title: "Norm of the gradient, before clipping",
    scale: "log",
    series: [{ name: "training", of: ofStep("gradient") }],
  },
  { title: "Learning rate", series: [{ name: "training", of: ofStep("learningRate") }] },
];
