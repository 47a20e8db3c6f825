#!/usr/bin/env node
/** The `medlsam` command. */
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { AbortedError } from "../base/errors.js";
import { addConvert } from "./convert.js";
import { addDemo } from "./demo.js";
import { addEvaluate } from "./evaluate.js";
import { describeError, exitCodeOf, exitCodes, exitCodesHelp } from "./exit-codes.js";
import { addInfo } from "./info.js";
import { watchInterrupts } from "./interrupt.js";
import { addLocalize } from "./localize.js";
import { addModels } from "./models.js";
import { addPhantom } from "./phantom.js";
import { addReproduce } from "./reproduce.js";
import { addSegment } from "./segment.js";
import { addSeries } from "./series.js";
import { createSession } from "./session.js";
import { addTemplate } from "./template.js";
import { addTrain } from "./train.js";

async function main(): Promise<number> {
  const session = createSession(watchInterrupts());
  const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
  const program = new Command("medlsam")
    .description("Find organs in CT scans from a few annotated examples, and segment them.")
    .version(version, "-v, --version")
    .addHelpText("afterAll", exitCodesHelp)
    .showHelpAfterError("Add --help to see what is possible.")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "medlsam: ")) })
    .exitOverride()
    .hook("preAction", (_, command) => {
      session.threads = command.opts<{ threads?: number }>().threads;
    });
  addDemo(program, session);
  addLocalize(program, session);
  addSegment(program, session);
  addReproduce(program, session);
  addTemplate(program, session);
  addEvaluate(program, session);
  addSeries(program, session);
  addConvert(program, session);
  addModels(program, session);
  addPhantom(program, session);
  addTrain(program, session);
  addInfo(program, session);
  try {
    await program.parseAsync();
    return session.exitCode;
  } catch (error) {
    // Commander has written its message or help already.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const told = error instanceof AbortedError ? "medlsam: interrupted" : describeError(error);
    process.stderr.write(`${told}\n`);
    return exitCodeOf(error);
  }
}

// A closed pipe or a full disk shows where the text is written (output.ts); unheard, it would end the process there.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
// Not process.exit: what is still on its way to a pipe would be lost.
process.exitCode = await main();
