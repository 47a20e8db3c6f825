import { describe, expect, it } from "vitest";
import { steps, type Triple } from "../../lib/index.js";
import { TensorFile } from "../support/data.js";

describe("annotation points (3)", async () => {
  const file = await TensorFile.open("points/points.safetensors");
  const labels = {
    shape: file.shape("label") as Triple,
    data: Uint16Array.from(await file.read("label")),
  };
  const cases = file.names.filter((name) => name !== "label");

  it.each(cases)("%s", async (name) => {
    const [label, kind] = name.split(".") as [string, string];
    const parts = kind === "whole" ? "whole" : Number(kind.slice("parts".length));
    const points = await steps.annotationPoints(labels, Number(label), parts, {
      conventions: "reference",
    });
    expect(Array.from(points)).toEqual(await file.read(name));
  });
});
