import { expect, it } from "vitest";
import { emptyLabels } from "../../lib/training/sam-options.js";

it("the labels whose masks stay empty are those of hardly any Dice, in their order", () => {
  expect(emptyLabels({ "11": 0, "2": 0.009, "5": 0.01, "7": 0.9 })).toEqual([2, 11]);
  expect(emptyLabels({})).toEqual([]);
});
