/** The defaults of training, for programs and for the command's help. */
import { medLamNumbers } from "./medlam-options.js";
import { defaultsOf } from "./options.js";
import { globalBlocks, samNumbers, samSizeNumbers } from "./sam-options.js";

/** Numbers that `trainMedLam` and `trainSam` use where none is given. */
export const trainingDefaults = {
  medlam: defaultsOf(medLamNumbers),
  sam: { ...defaultsOf(samNumbers), sizes: { ...defaultsOf(samSizeNumbers), globalBlocks } },
};
