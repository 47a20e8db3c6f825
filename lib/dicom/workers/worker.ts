/** A thread that reads DICOM files: all that parses hostile bytes in JavaScript runs here. */
import { parentPort } from "node:worker_threads";
import { InputError } from "../../base/errors.js";
import { parseAnnotation } from "../annotations/parse.js";
import { CutShort, type DicomDataSet, looksLikeDicom, parseDataSet } from "../data-set.js";
import { tagOf } from "../dictionary.js";
import { type ByteSource, type FileRef, memorySource, withBytes } from "../files/file-ref.js";
import { BadPixels, readFrame } from "../pixels/frame-places.js";
import { decodeFrame, isWasmCoding } from "../pixels/wasm-codecs.js";
import { type FileFacts, fileFacts } from "../series/image.js";
import type { DicomAttributes } from "../source.js";
import { transferSyntax } from "../uids.js";
import type { AnnotationAnswer, FramesJob, Job, JobMessage, JobResults } from "./jobs.js";

/** Most headers of CT fit. */
const firstBytes = 16 * 1024;

/** Why a frame could not be decoded. */
class BadFrame extends Error {
  constructor(
    message: string,
    readonly frame: number,
  ) {
    super(message);
  }
}

/** Parses as much of the file as its header takes. */
function headerOf(source: ByteSource): DicomDataSet {
  for (let length = firstBytes; ; length *= 4) {
    try {
      return parseDataSet(source.read(0, length));
    } catch (error) {
      if (!(error instanceof CutShort) || length >= source.size) throw error;
    }
  }
}

/** Where the pixels of a data set lie: in the file, or in its inflated bytes. */
function pixelSource(source: ByteSource, dataSet: DicomDataSet): ByteSource {
  const { deflated = false } = transferSyntax(dataSet.transferSyntaxUid);
  return deflated ? memorySource(dataSet.bytes) : source;
}

function inspect(file: FileRef): FileFacts {
  try {
    return withBytes(file, (source): FileFacts => {
      if (!looksLikeDicom(source.read(0, 132))) return { kind: "other" };
      try {
        const dataSet = headerOf(source);
        return fileFacts(file, dataSet, pixelSource(source, dataSet));
      } catch (error) {
        const reason = error instanceof CutShort ? "it ends early" : "its data set is damaged";
        return { kind: "bad", reason: `it cannot be read as DICOM: ${reason}` };
      }
    });
  } catch (error) {
    return { kind: "bad", reason: `it cannot be read: ${(error as Error).message}` };
  }
}

async function frames(job: FramesJob): Promise<undefined> {
  const { file, coding, format, into, offsets } = job;
  const coded: Uint8Array[] = withBytes(file, (source) => {
    const from = job.inflated ? memorySource(headerOf(source).bytes) : source;
    return job.frames.map((places) => readFrame(from, places));
  });
  for (const [i, bytes] of coded.entries()) {
    try {
      const frame = isWasmCoding(coding) ? await decodeFrame(coding, bytes, format) : bytes;
      new Uint8Array(into, offsets[i]).set(frame);
    } catch (error) {
      if (error instanceof BadPixels) throw new BadFrame(error.message, i);
      throw error;
    }
  }
  return undefined;
}

function attributes(file: FileRef): DicomAttributes {
  return withBytes(file, (source) => {
    const kept = new Map(withoutPrivate(headerOf(source).attributes));
    kept.delete(tagOf("PerFrameFunctionalGroupsSequence"));
    return kept;
  });
}

/** The data set without private attributes, in its items as well. */
function withoutPrivate(data: DicomAttributes): DicomAttributes {
  const kept = [...data].filter(([tag]) => !isPrivate(tag));
  return new Map(
    kept.map(([tag, element]) => [
      tag,
      element.items ? { ...element, items: element.items.map(withoutPrivate) } : element,
    ]),
  );
}

function annotation(file: FileRef): AnnotationAnswer {
  return withBytes(file, (source) => {
    try {
      return { annotation: parseAnnotation(source.read(0, source.size), file.name) };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return { fault: error.code, message: error.message };
    }
  });
}

/** Buffers that an answer gives away. */
function transferred(job: Job, result: JobResults[Job["kind"]]): ArrayBufferLike[] {
  if (job.kind !== "annotation" || !result || !("annotation" in result)) return [];
  const found = result.annotation;
  return [(found.kind === "segmentation" ? found.pixels : found.text).buffer];
}

/** Whether the group's number is odd. */
function isPrivate(tag: string): boolean {
  return Number.parseInt(tag.slice(3, 4), 16) % 2 === 1;
}

function work(job: Job): JobResults[Job["kind"]] | Promise<JobResults["frames"]> {
  if (job.kind === "inspect") return job.files.map(inspect);
  if (job.kind === "annotation") return annotation(job.file);
  return job.kind === "frames" ? frames(job) : attributes(job.file);
}

parentPort?.on("message", async (message: JobMessage) => {
  if (message === "end") {
    parentPort?.close();
    return;
  }
  const { id, job } = message;
  try {
    const result = await work(job);
    parentPort?.postMessage({ id, result }, transferred(job, result) as ArrayBuffer[]);
  } catch (error) {
    const { message: reason } = error as Error;
    const frame = error instanceof BadFrame ? error.frame : undefined;
    parentPort?.postMessage({ id, error: String(reason ?? error), frame });
  }
});
