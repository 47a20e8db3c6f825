/** Notes: warnings stored in a checkpoint that every result must carry, such as that it is a demo model. */

/** Characters of a note, which is repeated in file headers and on screens. */
const longest = 300;

/** The note in a checkpoint's metadata, on one line, or "". The metadata is untrusted. */
export function noteIn(metadata: Readonly<Record<string, string>>): string {
  const line = (metadata.note ?? "").replace(/[\p{Cc}\s]+/gu, " ").trim();
  return [...line].slice(0, longest).join("");
}

/** The notes in one line, each once; "" for none. */
export function joinNotes(...notes: (string | undefined)[]): string {
  return [...new Set(notes)].filter(Boolean).join("; ");
}
