/** Checks arguments of public functions with zod's schemas, so that a wrong one gives a UsageError, never a TypeError. */
import { z } from "zod";
import { UsageError } from "./errors.js";

/** An argument, and the schema that it must fit. */
type Argument = readonly [value: unknown, schema: z.ZodType];

/**
 * Checks the arguments of a call, each under its documented name; a `call` of "" is left out of messages.
 * @throws UsageError with the call, the place in the argument, what is expected and what was found.
 */
export function checkArguments(call: string, args: Readonly<Record<string, Argument>>): void {
  for (const [name, [value, schema]] of Object.entries(args)) {
    const issue = schema.safeParse(value, { error: describeIssue }).error?.issues[0];
    if (issue === undefined) continue;
    const place = z.core.toDotPath([name, ...issue.path]);
    const wrong = issue.path.reduce<unknown>((outer, key) => (outer as never)?.[key], value);
    const where = call === "" ? "" : `${call}: `;
    throw new UsageError(`${where}${place} ${issue.message}, not ${describeValue(wrong)}.`);
  }
}

const nouns: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "an object",
  record: "an object",
  map: "a Map",
};

function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${nouns[issue.expected] ?? `a ${issue.expected}`}`;
    case "invalid_value":
      return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`;
    case "too_small":
      return `must ${size(issue.origin)} at least ${issue.minimum}`;
    case "too_big":
      return `must ${size(issue.origin)} at most ${issue.maximum}`;
    default:
      return "is not valid";
  }
}

function size(origin: string): string {
  return origin === "array" ? "have a length of" : "be";
}

function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const name = Object.getPrototypeOf(value)?.constructor?.name ?? "Object";
  return name === "Object" ? "an object of other content" : `a ${name}`;
}

/** A path: non-empty text. */
export const aPath = z
  .string("must be a path, as text")
  .min(1, "must be a path, as text that is not empty");

/** A callback. */
export const aFunction = z.custom((value) => typeof value === "function", "must be a function");

/** A class, possibly with a private constructor. */
interface Class {
  name: string;
  prototype: object;
}

/** An instance of a class. `from`: the call that makes one. */
export function instanceOf(type: Class, from: string) {
  return z.custom(
    (value) => value instanceof (type as never),
    `must be a ${type.name} (${from} gives one)`,
  );
}

/** A typed array of one of these kinds. */
export function typedArray(...types: readonly { name: string; new (length: number): object }[]) {
  const names = types.map(({ name }) => name).join(" or ");
  return z.custom((value) => types.some((type) => value instanceof type), `must be a ${names}`);
}

/** A whole number in a range. */
export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

/** Three whole numbers, such as an index or a shape. */
export const threeNumbers = z.tuple(
  [z.number("must be a number"), z.number("must be a number"), z.number("must be a number")],
  "must be three numbers, [z, y, x]",
);

export const aConvention = z.enum(["exact", "reference"]);

/** Options of every call. */
export const callOptionsShape = {
  threads: wholeNumber(1, 1024).optional(),
  signal: z.instanceof(AbortSignal, { error: "must be an AbortSignal" }).optional(),
};

const object = "must be an object of options";

/** Options that may be left out. */
export const callOptions = z.object(callOptionsShape, object).optional();

/** Options of a call that computes, in addition to those of every call. */
export function optionsOf<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.object({ ...callOptionsShape, ...shape }, object);
}
