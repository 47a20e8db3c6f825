/**
 * The models that come with the package, to see it work on a fresh machine. They were trained on phantoms alone
 * (models/README.md says how), and nothing but a caller's own word chooses them.
 */
import { fileURLToPath } from "node:url";

/** Paths of the demo models, and what their results say of them. */
export interface DemoModels {
  medlam: string;
  sam: string;
  /** Made with `medlam`, from phantoms. */
  templates: string;
  /** Stands in the checkpoints too; whatever is made with them repeats it. */
  note: string;
}

/** 79 bytes at most: all of it then stands in the header of a NIfTI file. */
const note = "medlsam demo models: trained on synthetic phantoms, not for clinical use";

/** Where the demo models lie. */
export function demoModels(): DemoModels {
  const file = (name: string) => fileURLToPath(new URL(`../../models/${name}`, import.meta.url));
  return {
    medlam: file("demo-medlam.safetensors"),
    sam: file("demo-sam.safetensors"),
    templates: file("demo.templates.safetensors"),
    note,
  };
}
