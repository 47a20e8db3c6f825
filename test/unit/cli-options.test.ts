import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import {
  parseInteger,
  parseLabels,
  parseLattice,
  parseList,
  parseNumber,
  parseScales,
} from "../../lib/cli/options.js";

describe("option parsers", () => {
  it("reads scales in any order", () => {
    expect(parseScales("0,1,2")).toEqual([0, 1, 2]);
    expect(parseScales("2, 0")).toEqual([0, 2]);
    expect(parseScales("none")).toEqual([]);
  });

  it("reads lattices", () => {
    expect(["0", "8", "16"].map(parseLattice)).toEqual([0, 8, 16]);
  });

  it("reads lists and numbers", () => {
    expect(parseList("liver, left kidney")).toEqual(["liver", "left kidney"]);
    expect(parseLabels("3,1")).toEqual([3, 1]);
    expect(parseInteger(0, 9)("7")).toBe(7);
    expect(parseNumber(-1, 1)("-0.25")).toBe(-0.25);
  });

  it.each([
    () => parseScales(""),
    () => parseScales("3"),
    () => parseScales("0,0"),
    () => parseScales("0,none"),
    () => parseLattice("4"),
    () => parseLattice("8.0"),
    () => parseLattice(""),
    () => parseList("a,,b"),
    () => parseLabels("0"),
    () => parseLabels("1,liver"),
    () => parseInteger(1, 9)("10"),
    () => parseInteger(0, 9)("-1"),
    () => parseInteger(0, 9)("1e0"),
    () => parseInteger(0, 9)(""),
    () => parseNumber(-1, 1)("1.5"),
    () => parseNumber(-1, 1)("NaN"),
    () => parseNumber(-1, 1)(""),
  ])("refuses %s", (parse) => {
    expect(parse).toThrow(InvalidArgumentError);
  });
});
