/** From the facts of images to series, their places and their values. */
import { describe, expect, it } from "vitest";
import { type Candidate, findCandidates } from "../../lib/dicom/series/candidates.js";
import { commonStep, type Vector } from "../../lib/dicom/series/geometry.js";
import { type FrameFacts, type ImageFacts, phaseAttributes } from "../../lib/dicom/series/image.js";
import { chooseSeries, describe as describeSeries } from "../../lib/dicom/series/listing.js";
import { placeSlices } from "../../lib/dicom/series/placement.js";
import { planResampling } from "../../lib/dicom/series/resampling.js";
import { rescaleOf } from "../../lib/dicom/series/rescale.js";

type Changes = Partial<ImageFacts> & { frame?: Partial<FrameFacts> };

let made = 0;

/** A CT image at z mm, 2 × 3 pixels. */
function image(z: number, { frame, ...changes }: Changes = {}): ImageFacts {
  const name = `${made++}.dcm`;
  return {
    file: { name, path: name },
    transferSyntaxUid: "1.2.840.10008.1.2.1",
    sopClassUid: "1.2.840.10008.5.1.4.1.1.2",
    sopInstanceUid: `1.${made}`,
    seriesUid: "1.2",
    modality: "CT",
    ...{ seriesNumber: "4", description: "Abdomen", rows: 2, columns: 3, samplesPerPixel: 1 },
    ...{ bitsAllocated: 16, bitsStored: 12, highBit: 11, signed: false },
    ...{ lossy: false, hasModalityLut: false, base: 0 },
    frames: [
      {
        position: `-10\\-20\\${z}`,
        orientation: "1\\0\\0\\0\\1\\0",
        spacing: "0.8\\0.5",
        ...{ slope: 1, intercept: -1024, rescaleType: "HU", stack: "" },
        phases: phaseAttributes.map(() => undefined),
        places: [0, 12],
        ...frame,
      },
    ],
    ...changes,
  };
}

const stack = (places: readonly number[], changes: Changes = {}) =>
  places.map((z) => image(z, changes));

/** `value` as the attribute that may split a series. */
const phase = (attribute: (typeof phaseAttributes)[number], value: string): Changes => ({
  frame: { phases: phaseAttributes.map((each) => (each === attribute ? value : undefined)) },
});

describe("candidates", () => {
  it("are stacks of one plane; the larger is the first", () => {
    const coronal = { orientation: "1\\0\\0\\0\\0\\-1" };
    const across = [0, 2, 4].map((y) =>
      image(0, { frame: { ...coronal, position: `0\\${y}\\0` } }),
    );
    const { candidates } = findCandidates([...across, ...stack([0, 5, 10, 15])]);
    expect(candidates.map(({ slices, part }) => [slices.length, part])).toEqual([
      [4, 1],
      [3, 2],
    ]);
    expect(candidates.map((each) => describeSeries(each).uid)).toEqual(["1.2#1", "1.2#2"]);
  });

  it("are split by their stack, and not by the number of an acquisition along it", () => {
    const stacked = [
      ...stack([0, 5], { frame: { stack: "1" } }),
      ...stack([10, 15], { frame: { stack: "2" } }),
    ];
    expect(findCandidates(stacked).candidates).toHaveLength(2);
    const along = [
      ...stack([0, 5], phase("AcquisitionNumber", "1")),
      ...stack([10, 15], phase("AcquisitionNumber", "2")),
    ];
    expect(findCandidates(along).candidates).toHaveLength(1);
  });

  it.each(phaseAttributes)("are phases by %s, in the order of its numbers", (attribute) => {
    const images = ["10", "9"].flatMap((value) => stack([0, 5, 10], phase(attribute, value)));
    const { candidates } = findCandidates(images);
    expect(candidates.map((each) => each.phase)).toEqual([`${attribute} 9`, `${attribute} 10`]);
    expect(candidates.map(({ slices }) => slices.length)).toEqual([3, 3]);
  });

  it("are no phases where one lacks a place", () => {
    const images = [
      ...stack([0, 5, 10], phase("TriggerTime", "0")),
      ...stack([0, 5], phase("TriggerTime", "300")),
    ];
    const [candidate] = findCandidates(images).candidates;
    expect(candidate?.fault?.message).toMatch(/are different images of one place/);
  });

  it("are not images that watch one place, nor lone ones, nor those without a place", () => {
    const bolus = findCandidates(stack([50, 50, 50], { seriesUid: "1.3" }));
    expect(bolus.candidates).toEqual([]);
    expect(bolus.rest).toEqual([{ seriesUid: "1.3", images: 3, why: "repeated image" }]);
    expect(findCandidates([image(0)]).rest[0]?.why).toBe("lone image");
    const placeless = stack([0, 1], { frame: { position: "" } });
    expect(findCandidates(placeless).rest[0]?.why).toBe("image without a place");
  });

  it("have a fault where an image has no place, or differs in what a volume has once", () => {
    const fault = (odd: ImageFacts) =>
      findCandidates([...stack([0, 5, 10]), odd]).candidates[0]?.fault;
    expect(fault(image(15))).toBeUndefined();
    expect(fault(image(15, { frame: { position: "" } }))?.message).toMatch(
      /its ImagePositionPatient is missing/,
    );
    expect(fault(image(15, { rows: 4 }))?.message).toMatch(/its Rows is 4, but 2/);
    expect(fault(image(15, { columns: 4 }))?.message).toMatch(/its Columns is 4, but 3/);
    expect(fault(image(15, { signed: true }))?.message).toMatch(
      /its PixelRepresentation is 1, but 0/,
    );
    expect(fault(image(15, { frame: { spacing: "0.80004\\0.5" } }))).toBeUndefined();
    expect(fault(image(15, { frame: { spacing: "0.80016\\0.5" } }))?.message).toMatch(
      /its PixelSpacing/,
    );
  });
});

describe("choosing", () => {
  const { candidates } = findCandidates([
    ...stack([0, 5, 10]),
    ...stack([0, 5, 10], { seriesUid: "1.5", seriesNumber: "5", description: "Thorax" }),
    ...["1", "2"].flatMap((value) =>
      stack([0, 5], { seriesUid: "1.6", seriesNumber: "6", ...phase("TriggerTime", value) }),
    ),
  ]);
  const chosen = (wanted: string) => describeSeries(chooseSeries("x", candidates, wanted)).uid;

  it("is by UID, number or description, with the part", () => {
    expect(["1.5", "5", "thorax", "1.6#2", "6#1"].map(chosen)).toEqual([
      "1.5",
      "1.5",
      "1.5",
      "1.6#2",
      "1.6#1",
    ]);
  });

  it("is no guess: what names none or several lists them all", () => {
    for (const wanted of ["7", "abdomen", "6", "1.6#3"]) {
      expect(() => chosen(wanted)).toThrow(/--series names (none|several).*1\.2.*1\.6#2/s);
    }
    expect(() => chooseSeries("x", candidates, undefined)).toThrow(/holds 4 series/);
  });
});

describe("places", () => {
  const place = (places: readonly number[], resample = false) => {
    const [candidate] = findCandidates(stack(places)).candidates;
    if (!candidate) throw new Error("no candidate");
    return placeSlices("scan", candidate, resample);
  };

  it("are in the order of the normal, whatever that of the files", () => {
    const { affine, shape, sliceSpacing, tilt } = place([10, 0, 5]);
    expect(shape).toEqual([3, 2, 3]);
    expect(affine).toEqual([-0.5, 0, 0, 10, 0, -0.8, 0, 20, 0, 0, 5, 0, 0, 0, 0, 1]);
    expect([sliceSpacing, tilt]).toEqual([5, 0]);
  });

  it("are even within a twentieth of a step", () => {
    expect(place([0, 5.24, 10]).shape[0]).toBe(3);
    expect(() => place([0, 5.26, 10])).toThrow(/uneven/);
  });

  it("that are missing are told with their number, those that are uneven with the distances", () => {
    expect(() => place([0, 5, 10, 25, 30])).toThrow(/missing slices: 2 between .*15 mm/);
    expect(() => place([0, 2.5, 5, 8.7, 12.4])).toThrow(/uneven.*: 2\.5 mm apart .* 3\.7 mm/);
    const resampled = place([0, 2.5, 5, 8.7, 12.4], true);
    expect(resampled.shape[0]).toBe(5);
    expect(resampled.affine[10]).toBeCloseTo(2.5);
    expect(resampled.resampling?.interpolated).toBe(2);
  });

  it("beside the line of the others are refused, resampled or not", () => {
    const images = stack([0, 5, 10, 15]);
    (images[2]?.frames[0] as FrameFacts).position = "-7\\-20\\10";
    const [candidate] = findCandidates(images).candidates;
    for (const resample of [false, true]) {
      expect(() => candidate && placeSlices("scan", candidate, resample)).toThrow(
        /lies 3 mm off the line/,
      );
    }
  });

  it("of a tilted gantry make a sheared affine whose columns meet every slice", () => {
    const images = [0, 1, 2].map((k) => image(0, { frame: { position: `0\\${2 * k}\\${5 * k}` } }));
    const [candidate] = findCandidates(images).candidates;
    const { affine, tilt, sliceSpacing } = placeSlices("scan", candidate as Candidate, false);
    expect(tilt).toBeCloseTo((Math.atan2(2, 5) * 180) / Math.PI);
    expect(sliceSpacing).toBe(5);
    expect([affine[2], affine[6], affine[10]]).toEqual([0, -2, 5]);
  });

  it("of resampled slices are the nearest of the acquired ones", () => {
    const positions = [0, 5, 15, 20].map((z): Vector => [0, 0, z]);
    const plan = planResampling(positions, [0, 0, 1]);
    expect(plan).toMatchObject({ nearest: [0, 1, 3, 4], interpolated: 1, step: [0, 0, 5] });
    const at = plan.lower.map((lower, k) => {
      const [from, to] = [positions[lower], positions[lower + 1]] as [Vector, Vector];
      return from[2] + (plan.weight[k] as number) * (to[2] - from[2]);
    });
    expect(at).toEqual([0, 5, 10, 15, 20]);
  });

  it("have for their step the most frequent one, of several the smaller", () => {
    expect(commonStep([5, 5.004, 3, 7])).toBe(5.004);
    expect(commonStep([7, 3, 7, 3])).toBe(3);
  });
});

describe("values", () => {
  const rescale = (changes: Changes, any = false) => {
    const facts = image(0, changes);
    return rescaleOf(facts, facts.frames[0] as FrameFacts, any);
  };

  it("that pad are air, unless a CT might have them and no limit is given", () => {
    expect(rescale({}).padding).toBeNull();
    expect(rescale({ padding: 0 }).padding).toBeNull(); // −1024 HU
    expect(rescale({ padding: 4095 }).padding).toBeNull(); // 3071 HU
    expect(rescale({ padding: 4096 }).padding).toEqual([4096, 4096]);
    expect(rescale({ padding: -2000, signed: true }).padding).toEqual([-2000, -2000]);
    expect(rescale({ padding: 0, paddingLimit: 24 }).padding).toEqual([0, 24]);
    expect(rescale({ padding: 24, paddingLimit: 0 }).padding).toEqual([0, 24]);
  });

  it("of other modalities are taken as they are only where that is asked for", () => {
    const mr = { sopClassUid: "1.2.840.10008.5.1.4.1.1.4", modality: "MR" };
    const bare = { slope: undefined, intercept: undefined, rescaleType: undefined };
    expect(rescale({ ...mr, frame: bare }, true)).toEqual({
      slope: 1,
      intercept: 0,
      padding: null,
    });
    expect(() => rescale({ ...mr, frame: bare })).toThrow(/NOT_HU|not HU/);
    expect(() => rescale({ ...mr, hasModalityLut: true, frame: bare }, false)).toThrow(
      /ModalityLUT/,
    );
    expect(rescale({ frame: { rescaleType: undefined } }).slope).toBe(1);
    expect(() => rescale({ frame: { rescaleType: "HU_MOD" } })).toThrow(/RescaleType is HU_MOD/);
  });
});
