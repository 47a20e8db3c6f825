/** The networks that are measured. */
import { MedLam } from "../../../dist/index.js";

/** @returns { main }: a MedLam. */
export async function loadNetworks({ medlam, runtime, device, threads }) {
  const main = await MedLam.load(medlam, { runtime, device, threads });
  return { main };
}
