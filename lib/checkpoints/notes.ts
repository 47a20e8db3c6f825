/** What weights say of themselves and their results must repeat: that they are demo models, say. */

/** Characters: it is repeated in headers and on screens. */
const longest = 300;

/** The note in a checkpoint's metadata, on one line; "" where there is none. It comes from a file that may be hostile. */
export function noteIn(metadata: Readonly<Record<string, string>>): string {
  const line = (metadata.note ?? "").replace(/[\p{Cc}\s]+/gu, " ").trim();
  return [...line].slice(0, longest).join("");
}

/** Each of them once; "" for none. */
export function joinNotes(...notes: (string | undefined)[]): string {
  return [...new Set(notes)].filter(Boolean).join("; ");
}
