/** A volume of HU as CT images (PS3.3 A.3), one a slice. */
import type { CallOptions } from "../addon/call.js";
import { UsageError } from "../base/errors.js";
import type { Keyword } from "../dicom/dictionary.js";
import { tagOf, vrOf } from "../dicom/dictionary.js";
import type { DicomAttributes, DicomSource } from "../dicom/source.js";
import { sopClass } from "../dicom/uids.js";
import { type Attributes, decimalString, type Encoding } from "../dicom/write/encode.js";
import { dateOf, timeOf } from "../dicom/write/identity.js";
import { part10File } from "../dicom/write/part10.js";
import { textEncoding } from "../dicom/write/text-encoding.js";
import type { Triple } from "../geometry/box.js";
import type { Volume } from "../volumes/volume.js";

export interface CtPatient {
  name: string;
  id: string;
  sex: string;
  /** BodyPartExamined. */
  bodyPart: string;
}

/** A series that is about to be written. */
export interface CtSeries {
  /** For each image, its file's bytes in chunks; in the order of the volume's slices. */
  images: (() => Uint8Array[])[];
  /** The series as a reader finds it, its slices in the order of their normal. */
  source: DicomSource;
  shape: Triple;
  affine: readonly number[];
}

const encoding: Encoding = { implicit: false, text: textEncoding(new Map()) };

/** @param image of int16, whose values are HU. */
export async function ctImages(
  image: Volume,
  patient: CtPatient,
  uid: () => string,
  when: Date,
  options: CallOptions,
): Promise<CtSeries> {
  const voxels = await image.stored(options);
  if (!(voxels instanceof Int16Array)) {
    throw new UsageError(`The image's voxels are ${image.dtype}: a CT series is made of I16.`);
  }
  const [count, rows, columns] = image.shape;
  const geometry = geometryOf(image);
  const common = seriesAttributes(patient, uid, when, { ...geometry, rows, columns });
  const instances = geometry.positions.map(() => uid());
  const size = rows * columns;
  const images = geometry.positions.map((position, k) => () => {
    const bytes = new Uint8Array(voxels.buffer, voxels.byteOffset + 2 * k * size, 2 * size);
    const attributes: Attributes = {
      ...common,
      SOPInstanceUID: instances[k],
      InstanceNumber: k + 1,
      ImagePositionPatient: position,
      ...{ RescaleIntercept: image.intercept, RescaleSlope: image.slope },
    };
    return part10File(attributes, encoding, { bits: 16, bytes });
  });
  const slices = geometry.positions.map((imagePosition, k) => ({
    path: "",
    sopClassUid: sopClass.ct,
    sopInstanceUid: instances[k] as string,
    imagePosition,
    z: k,
  }));
  if (geometry.reversed) slices.reverse();
  const source: DicomSource = {
    kind: "dicom",
    slices: slices.map((slice, z) => ({ ...slice, z })),
    attributes: asRead(common),
    ...{ rows, columns },
    imageOrientation: geometry.orientation,
    pixelSpacing: geometry.pixelSpacing,
    sliceSpacing: geometry.step,
    ...{ tilt: 0, resampled: false, lossy: false },
  };
  const affine = geometry.reversed ? reversedAlongZ(image.affine, count) : image.affine;
  return { images, source, shape: image.shape, affine };
}

/** Places of the slices as the images' decimal strings say them. */
interface CtGeometry {
  positions: string[];
  orientation: string;
  pixelSpacing: string;
  step: number;
  /** Whether the volume's slices follow each other against their normal. */
  reversed: boolean;
}

function geometryOf({ affine, shape, spacing }: Volume): CtGeometry {
  const lps = (column: number): Triple =>
    [0, 1, 2].map((row) => (row < 2 ? -1 : 1) * (affine[4 * row + column] as number)) as Triple;
  const [x, y, z, origin] = [lps(0), lps(1), lps(2), lps(3)];
  const [step, betweenRows, betweenColumns] = spacing;
  const text = (values: readonly number[]) => values.map(decimalString).join("\\");
  const cosines = [
    ...x.map((part) => part / betweenColumns),
    ...y.map((part) => part / betweenRows),
  ];
  const normal = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  const along = normal.reduce((sum, part, i) => sum + part * (z[i] as number), 0);
  return {
    positions: Array.from({ length: shape[0] }, (_, k) =>
      text(origin.map((part, i) => part + k * (z[i] as number))),
    ),
    orientation: text(cosines),
    pixelSpacing: text([betweenRows, betweenColumns]),
    step,
    reversed: along < 0,
  };
}

function reversedAlongZ(affine: readonly number[], slices: number): number[] {
  const made = [...affine];
  for (let row = 0; row < 3; row++) {
    const step = affine[4 * row + 2] as number;
    made[4 * row + 2] = -step;
    made[4 * row + 3] = (affine[4 * row + 3] as number) + (slices - 1) * step;
  }
  return made;
}

function seriesAttributes(
  { name, id, sex, bodyPart }: CtPatient,
  uid: () => string,
  when: Date,
  geometry: CtGeometry & { rows: number; columns: number },
): Attributes {
  const [date, time] = [dateOf(when), timeOf(when)];
  return {
    SpecificCharacterSet: "ISO_IR 192",
    ImageType: "ORIGINAL\\PRIMARY\\AXIAL",
    SOPClassUID: sopClass.ct,
    ...{ StudyDate: date, SeriesDate: date, AcquisitionDate: date, ContentDate: date },
    ...{ StudyTime: time, SeriesTime: time, AcquisitionTime: time, ContentTime: time },
    AccessionNumber: "",
    Modality: "CT",
    Manufacturer: "medlsam",
    ReferringPhysicianName: "",
    StudyDescription: "Synthetic CT, of no patient",
    SeriesDescription: "Phantom",
    ...{ PatientName: name, PatientID: id, PatientBirthDate: "" },
    PatientSex: sex.startsWith("f") ? "F" : "M",
    BodyPartExamined: bodyPart,
    KVP: "",
    SliceThickness: decimalString(geometry.step),
    PatientPosition: "HFS",
    ...{ StudyInstanceUID: uid(), SeriesInstanceUID: uid(), StudyID: "1" },
    ...{ SeriesNumber: 1, AcquisitionNumber: 1, FrameOfReferenceUID: uid() },
    ImageOrientationPatient: geometry.orientation,
    PositionReferenceIndicator: "",
    ...{ SamplesPerPixel: 1, PhotometricInterpretation: "MONOCHROME2" },
    ...{ Rows: geometry.rows, Columns: geometry.columns, PixelSpacing: geometry.pixelSpacing },
    ...{ BitsAllocated: 16, BitsStored: 16, HighBit: 15, PixelRepresentation: 1 },
    RescaleType: "HU",
  };
}

/** The text among the attributes as a reader gives it. */
function asRead(attributes: Attributes): DicomAttributes {
  return new Map(
    Object.entries(attributes).flatMap(([name, value]) => {
      const tag = tagOf(name as Keyword);
      if (typeof value !== "string" && typeof value !== "number") return [];
      return [[tag, { vr: vrOf(tag), value: Buffer.from(String(value), "utf8") }]];
    }),
  );
}
