/** The jobs of a worker thread: what is sent there, and what comes back. */
import type { ErrorCode } from "../../base/errors.js";
import type { Annotation } from "../annotations/annotation.js";
import type { FileRef } from "../files/file-ref.js";
import type { FragmentPlaces } from "../pixels/frame-places.js";
import type { FrameFormat } from "../pixels/wasm-codecs.js";
import type { FileFacts } from "../series/image.js";
import type { DicomAttributes } from "../source.js";
import type { PixelCoding } from "../uids.js";

/** Looks into files. */
export interface InspectJob {
  kind: "inspect";
  files: readonly FileRef[];
}

/** Decodes frames that only JavaScript can, or takes them out of what is compressed as a whole. */
export interface FramesJob {
  kind: "frames";
  file: FileRef;
  /** Whether the places count from the start of the inflated data set. */
  inflated: boolean;
  coding: PixelCoding;
  format: FrameFormat;
  frames: readonly FragmentPlaces[];
  /** The bytes of each frame go there, from these offsets on: samples where its coding is one of the wasm codecs', else as coded. */
  into: SharedArrayBuffer;
  offsets: readonly number[];
}

/** Reads a data set without pixel data, private groups and per-frame functional groups. */
export interface AttributesJob {
  kind: "attributes";
  file: FileRef;
}

/** Reads a segmentation or a structure set. */
export interface AnnotationJob {
  kind: "annotation";
  file: FileRef;
}

/** An annotation, or the error that its file gives rise to. */
export type AnnotationAnswer = { annotation: Annotation } | { fault: ErrorCode; message: string };

export interface JobResults {
  inspect: FileFacts[];
  frames: undefined;
  attributes: DicomAttributes;
  annotation: AnnotationAnswer;
}

export type Job = InspectJob | FramesJob | AttributesJob | AnnotationJob;

/** The message to a worker: a job, or that none will follow. */
export type JobMessage = { id: number; job: Job } | "end";

/** A worker's answer; `error` is a sentence's end, or the worker's own failure. */
export type JobAnswer = { id: number } & (
  | { result: JobResults[keyof JobResults] }
  | { error: string; frame?: number }
);
