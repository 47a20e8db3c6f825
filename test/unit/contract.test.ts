/** The addon exports what lib/addon/contract declares, and nothing else. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { native } from "../../lib/addon/loader.js";

/** Members of the interfaces that make up `NativeAddon`: two spaces, a name, its arguments. */
function declared(): string[] {
  const folder = new URL("../../lib/addon/contract/", import.meta.url);
  return readdirSync(folder).flatMap((file) => {
    const text = readFileSync(new URL(file, folder), "utf8");
    const interfaces = text.matchAll(/^export interface \w+Addon \{\n(.*?)^\}/gms);
    return [...interfaces].flatMap(([, body = ""]) =>
      [...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, name = ""]) => name),
    );
  });
}

it("the addon exports exactly what its contract declares", () => {
  const names = declared();
  expect(names.length).toBeGreaterThan(50);
  expect(Object.keys(native).sort()).toEqual(names.sort());
});
