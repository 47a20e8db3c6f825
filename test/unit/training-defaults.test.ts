import { describe, expect, it } from "vitest";
import { trainingDefaults } from "../../lib/training/defaults.js";
import { medLamNumbers } from "../../lib/training/medlam-options.js";
import { type NumberOption, settleNumbers, whole } from "../../lib/training/options.js";
import { samNumbers, samSizeNumbers } from "../../lib/training/sam-options.js";
import { succeed } from "../support/command.js";

describe("the numbers of training", () => {
  it("default to values within their limits", () => {
    for (const numbers of [medLamNumbers, samNumbers, samSizeNumbers]) {
      const settled = settleNumbers({}, numbers as Record<string, NumberOption>);
      for (const [name, number] of Object.entries(numbers)) {
        expect(settled[name]).toBe(number.default);
      }
    }
    expect(trainingDefaults.medlam.steps).toBe(medLamNumbers.steps.default);
    expect(trainingDefaults.sam.sizes.depth).toBe(samSizeNumbers.depth.default);
  });

  it("are taken as given, and refused by name out of their limits", () => {
    const numbers = { batch: whole(1, 8, 4) };
    expect(settleNumbers({ batch: 8 }, numbers)).toEqual({ batch: 8 });
    expect(settleNumbers({ batch: undefined }, numbers)).toEqual({ batch: 4 });
    for (const batch of [0, 9, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const message = `batch must be a whole number from 1 to 8, not ${batch}.`;
      expect(() => settleNumbers({ batch }, numbers)).toThrow(message);
    }
  });

  it("are those of the command's help", async () => {
    for (const network of ["medlam", "sam"] as const) {
      const { stdout } = await succeed("train", network, "--help");
      const help = stdout.replace(/\s+/g, " ");
      const { steps, epochs, batch } = trainingDefaults[network];
      for (const [flag, usual] of Object.entries({ steps, epochs, batch })) {
        const at = help.indexOf(`--${flag} <n>`);
        expect(help.slice(at).match(/\(default: (\d+)/)?.[1]).toBe(String(usual));
      }
    }
  });
});
