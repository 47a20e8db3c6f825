/** A benchmark's command line, whose options are those that its usage text lists. */
import { parseArgs } from "node:util";

/**
 * `check(values)` of the options that were given, as text by name. Prints the usage where `--help` asks for it and where
 * `check` or the parser throws, and ends the process then.
 * @param usage a line "  --name VALUE  …" for each option.
 */
export function readCommandLine(usage, check) {
  try {
    const keys = [...usage.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, key]) => key);
    const options = Object.fromEntries(keys.map((key) => [key, { type: "string" }]));
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    return check(values);
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

/** `values[key]`, or undefined where it was not given. @throws Error for anything but one of the choices. */
export function oneOf(values, key, ...choices) {
  const value = values[key];
  if (value === undefined || choices.includes(value)) return value;
  throw new Error(`--${key} takes ${choices.join(" or ")}, not "${value}".`);
}
