/** The diagrams of each network's learning curve. */
import type { CurveRecord, Panel } from "./plot.js";

/** Picks a figure from the records of steps, not from those of epochs. */
function ofStep(figure: string) {
  return ({ epoch, [figure]: value }: CurveRecord) => (epoch === undefined ? value : undefined);
}

/** Picks a figure from the records of epochs. */
function ofEpoch(figure: string) {
  return ({ epoch, [figure]: value }: CurveRecord) => (epoch === undefined ? undefined : value);
}

const [training, others] = ["training", "other scans"];

const everyNetwork: readonly Panel[] = [
  {
    title: "Norm of the gradient, before clipping",
    scale: "log",
    series: [{ name: training, of: ofStep("gradient") }],
  },
  { title: "Learning rate", series: [{ name: training, of: ofStep("learningRate") }] },
];

export const medLamPanels: readonly Panel[] = [
  {
    title: "UAM: error of positions (mm, root mean square)",
    scale: "log",
    series: [
      { name: training, of: ofStep("uam"), shown: Math.sqrt },
      { name: others, of: ofEpoch("validationMm") },
    ],
  },
  { title: "MSS: loss of features", series: [{ name: training, of: ofStep("mss") }] },
  { title: "Boxes of annotated scans: IoU", series: [{ name: others, of: ofEpoch("iou") }] },
  {
    title: "Boxes of annotated scans: wall distance (mm)",
    scale: "log",
    series: [{ name: others, of: ofEpoch("wdMm") }],
  },
  { title: "Boxes of annotated scans: IoU of each organ", series: [], each: "organIou." },
  ...everyNetwork,
];

export const samPanels: readonly Panel[] = [
  {
    title: "Dice of masks (while training, of their probabilities)",
    series: [
      { name: training, of: ofStep("dice"), shown: (loss) => 1 - loss },
      { name: others, of: ofEpoch("validationDice") },
    ],
  },
  { title: "Dice of masks on other scans, of each label", series: [], each: "labelDice." },
  {
    title: "Cross-entropy",
    scale: "log",
    series: [{ name: training, of: ofStep("crossEntropy") }],
  },
  {
    title: "Squared error of the expected IoU",
    scale: "log",
    series: [{ name: training, of: ofStep("iou") }],
  },
  ...everyNetwork,
];
