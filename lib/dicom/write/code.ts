/** Coded concepts (PS3.3 8.8). */
import type { Attributes } from "./encode.js";

export interface Code {
  value: string;
  /** Coding scheme designator: SCT for SNOMED CT, DCM for the standard's own. */
  scheme: string;
  meaning: string;
}

/** An item of a code sequence. */
export function codeItem({ value, scheme, meaning }: Code): Attributes {
  return { CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning };
}

/** A code that the standard itself defines (PS3.16 annex D). */
export function dicomCode(value: string, meaning: string): Attributes {
  return codeItem({ value, scheme: "DCM", meaning });
}
