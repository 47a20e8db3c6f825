/** The networks that are measured. */
import { MedLam, Sam, Templates } from "../../../dist/index.js";

/** @returns { main, other: a MedLAM to compare with, if its step is asked for, sam: likewise, minEvidence: of the set's templates }. */
export async function loadNetworks({
  medlam,
  against,
  sam,
  templates,
  steps,
  runtime,
  device,
  threads,
}) {
  const how = { runtime, device, threads };
  const { minEvidence } = await Templates.open(templates);
  return {
    minEvidence,
    main: await MedLam.load(medlam, how),
    ...(steps.includes("models") && { other: await MedLam.load(against, how) }),
    ...(steps.includes("masks") && { sam: await Sam.load(sam, how) }),
  };
}
