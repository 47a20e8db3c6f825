import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expectRefusal, run, start } from "../support/command.js";
import {
  at,
  both,
  boxes,
  cube,
  file,
  mask,
  type Report,
  row,
  sform,
  twoCases,
} from "../support/evaluation-files.js";
import { nifti } from "../support/nifti.js";

const names = twoCases();

describe("bad input to evaluate", () => {
  const evaluate = (prediction: string, truth: string, ...more: string[]) =>
    run("evaluate", "-q", "--predictions", prediction, "--truth", truth, ...more);
  const truth = at("truth/s1_label.nii.gz");

  it("another geometry", async () => {
    const shape = mask("bad/shape.nii", cube(4), { dim: [3, 30, 20, 19] });
    expectRefusal(await evaluate(shape, truth), 3, "shape.nii", "[19,20,30]", "[20,20,30]", truth);
    const moved = [...sform.slice(0, 2), row(0, 0, 3, 1)];
    const affine = mask("bad/moved.nii", cube(4), { sform: moved });
    expectRefusal(await evaluate(affine, truth), 3, "moved.nii", "affine", truth);
    const rounded = [row(2.000001, 0, 0), ...sform.slice(1)];
    expect((await evaluate(mask("bad/round.nii", cube(4), { sform: rounded }), truth)).code).toBe(
      0,
    );
    mask("bad/masks/liver.nii", cube(4), { sform: moved });
    boxes("bad/masks/boxes.json", {});
    expectRefusal(
      await evaluate(at("bad/masks"), truth, ...names),
      3,
      "liver.nii",
      "affine",
      truth,
    );
    const flat = boxes("bad/shape.json", { liver: { label: 1, x0: 4 } }, [20, 20, 31]);
    expectRefusal(await evaluate(flat, truth), 3, "shape.json", "[20,20,31]", truth);
    const elsewhere = mask("bad/elsewhere.nii", cube(4), { sform: moved });
    const there = boxes("bad/there.json", { liver: { label: 1, x0: 4 } });
    expectRefusal(await evaluate(there, elsewhere), 3, "there.json", "box of liver", elsewhere);
  });

  it("masks that are not 0/1, images, two labels of one name", async () => {
    mask("values/liver.nii", both(cube(4, 2), cube(16, 255)));
    boxes("values/boxes.json", {});
    expectRefusal(await evaluate(at("values"), truth, ...names), 3, "liver.nii", "holds 2, 255");
    const image = file("image.nii", nifti({ dim: [3, 30, 20, 20], sform, value: () => -1000 }));
    expectRefusal(await evaluate(image, truth), 3, "image.nii", "-1000", "Is this the image?");
    const same = ["--names", file("same.json", '{"1": "liver", "2": "liver"}')];
    expectRefusal(await evaluate(truth, truth, ...same), 3, "labels 1 and 2", '"liver"');
  });

  it("boxes that are none, boxes for a truth, files that are missing", async () => {
    const other = file("other.json", '{"version": 1}');
    expectRefusal(await evaluate(other, truth), 3, "other.json", "shape");
    const upside = JSON.parse(
      readFileSync(boxes("up.json", { liver: { label: 1, x0: 4 } }), "utf8"),
    );
    upside.organs.liver.box.min[0] = 30;
    const down = file("down.json", JSON.stringify(upside));
    expectRefusal(await evaluate(down, truth), 3, "at organs.liver.box", "upside down");
    expectRefusal(await evaluate(truth, at("up.json")), 3, "up.json", "no mask");
    expectRefusal(await evaluate(at("none.nii"), truth), 3, "none.nii", "no such file");
    expectRefusal(await evaluate(at("out"), at("gone")), 3, "gone", "no such file");
  });

  it("a case that fails is named and skipped, cases without a partner are named", async () => {
    mask("some/s1.nii", cube(4));
    mask("some/s2.nii", cube(4), { dim: [3, 30, 20, 19] });
    mask("some/s3.nii", cube(4));
    const args = ["--predictions", at("some"), "--truth", at("truth"), "-o", at("some.json")];
    const { code, stdout, stderr } = await run("evaluate", ...args);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/predictions without a truth, left out: s3\n/);
    expect(stderr).toMatch(/medlsam: s2: .*shape/);
    const written: Report = JSON.parse(readFileSync(at("some.json"), "utf8"));
    expect(written.cases.map((each) => each.case)).toEqual(["s1"]);
    expect(written.failed).toMatchObject([
      { case: "s2", message: expect.stringContaining("shape") },
    ]);
    expect(written.unmatched).toEqual({ predictions: ["s3"], truths: [] });
  });

  it("no case that matches, wrong usage, output that cannot be written", async () => {
    mask("apart/a.nii", cube(4));
    mask("apart/b.nii", cube(4));
    expectRefusal(await evaluate(at("apart"), at("truth")), 2, "a, b", "s1_label, s2_label");
    expectRefusal(await evaluate(truth, truth, "-o", at("report")), 2, "--format");
    expectRefusal(await evaluate(truth, truth, "-o", at("no/t.json")), 3, "folder does not exist");
    expectRefusal(await evaluate(truth, truth, "--format", "csv", "-o", truth), 2, "overwritten");
    expect((await run("evaluate", "--predictions", truth)).code).toBe(2);
    expect((await evaluate(truth, truth, "--tolerance", "-1")).code).toBe(2);
    expect(existsSync(at("report"))).toBe(false);
  });

  it("Ctrl-C ends it, nothing written", async () => {
    const many = Array.from({ length: 40 }, (_, i) => mask(`many/m${i}.nii`, cube(4)));
    const paths = ["--predictions", ...many, "--truth", at("many"), "-o", at("many.json")];
    const running = start(["evaluate", ...paths]);
    await running.says("m1: read");
    running.process.kill("SIGINT");
    expect((await running.done).code).toBe(130);
    expect(existsSync(at("many.json"))).toBe(false);
  });
});
