/** What the paper (arXiv 2306.14752) reports of its own heads and necks, StructSeg's: another data set. */

const parotid = { iou: 0.63, wd: 3.9, detection: 0.35 };
const parotidDice = { medSam: 0.58, sam: 0.16 };

export const paper = {
  /** Boxes by organ, five templates: IoU as a fraction, WD in mm, and the IoU of its fully supervised peer, nnDetection. */
  boxes: {
    Brainstem: { iou: 0.703, wd: 2.4, detection: 0.76 },
    SpinalCord: { iou: 0.577, wd: 2.7, detection: 0.1 },
    RightParotid: parotid,
    LeftParotid: parotid,
    Mandible: { iou: 0.81, wd: 2.6, detection: 0.35 },
  },
  /** Dice of masks from those boxes. */
  dice: {
    Brainstem: { medSam: 0.73, sam: 0.64 },
    SpinalCord: { medSam: 0.35, sam: 0.28 },
    RightParotid: parotidDice,
    LeftParotid: parotidDice,
    Mandible: { medSam: 0.66, sam: 0.75 },
  },
  note: `The paper's figures are of another data set (StructSeg; trained on 14,012 scans): its mandible is in two halves, its parotids stand for
either side. Without any image, the templates' mean box has an IoU of 0.02 to 0.04 here.`,
};
