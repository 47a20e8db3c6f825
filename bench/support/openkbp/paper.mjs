/** What the paper (arXiv 2306.14752) reports of its own heads and necks, StructSeg's: another data set. */

/** Boxes by organ, five templates: IoU as a fraction, WD in mm. */
const boxes = {
  Brainstem: { iou: 0.703, wd: 2.4 },
  SpinalCord: { iou: 0.577, wd: 2.7 },
  RightParotid: { iou: 0.63, wd: 3.9 },
  LeftParotid: { iou: 0.63, wd: 3.9 },
  Mandible: { iou: 0.81, wd: 2.6 },
};

export const paper = {
  boxes,
  note: `The paper's figures are of another data set (StructSeg, trained on 14,012 scans); its mandible is in two halves, and its parotids
stand for either side.`,
};
