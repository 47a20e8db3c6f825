/** The networks that are measured. */
import { MedLam, Sam } from "../../../dist/index.js";

/** @returns { main, other: a MedLAM to compare with, if its step is asked for, sam: likewise }. */
export async function loadNetworks({ medlam, against, sam, steps, runtime, device, threads }) {
  const how = { runtime, device, threads };
  return {
    main: await MedLam.load(medlam, how),
    ...(steps.includes("models") && { other: await MedLam.load(against, how) }),
    ...(steps.includes("masks") && { sam: await Sam.load(sam, how) }),
  };
}
