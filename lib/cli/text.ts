/** Text for people: tables, sizes, and names from files, made safe for a terminal. */

/** The text without control characters, by which a name from a file could control the terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "\ufffd");
}

export function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n]\s*/g, " "));
}

/** A table: text columns aligned to the left, columns of numbers to the right. */
export function table(heading: string[], rows: string[][]): string {
  const lines = [heading, ...rows].map((row) => row.map(oneLine));
  const columns = heading.map((_, column) => {
    const cells = lines.map((line) => line[column] ?? "");
    return {
      width: Math.max(...cells.map((cell) => cell.length)),
      numeric: cells.slice(1).every((cell) => /^[-\d.,]*$/.test(cell)),
    };
  });
  return lines
    .map((line) =>
      columns
        .map(({ width, numeric }, column) => {
          const cell = line[column] ?? "";
          return numeric ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `name: value` lines, the values aligned. */
export function facts(pairs: [name: string, value: string][]): string {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 2;
  return pairs.map(([name, value]) => `${`${name}:`.padEnd(width)}${oneLine(value)}`).join("\n");
}

/** A size in bytes as "3.5 MB". */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}

/** "1 organ", "2 organs". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
