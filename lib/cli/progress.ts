/** Progress on standard error: a bar on a terminal, a few plain lines elsewhere, nothing with --quiet. */
import { Presets, SingleBar } from "cli-progress";
import type { Progress, ProgressPhase } from "../index.js";
import { oneLine } from "./text.js";

/** Shows the progress of the work on one subject (a scan, a template file). */
export interface ProgressDisplay {
  /** A callback for the `onProgress` of an API call about `subject`. */
  follow(subject: string): (progress: Progress) => void;
  /** Removes the bar; to be called before anything else is written. */
  clear(): void;
  /** Prints a line, unless quiet. */
  say(line: string): void;
}

/** For `onFallback`: a line for each reason, which several networks may have in common. */
export function sayOnce({ say }: Pick<ProgressDisplay, "say">): (reason: string) => void {
  const said = new Set<string>();
  return (reason) => {
    if (said.has(reason)) return;
    said.add(reason);
    say(`medlsam: ${reason}`);
  };
}

export function createProgress(quiet: boolean, signal: AbortSignal): ProgressDisplay {
  if (quiet) return { follow: () => () => {}, clear: () => {}, say: () => {} };
  return process.stderr.isTTY ? barDisplay(signal) : lineDisplay();
}

function barDisplay(signal: AbortSignal): ProgressDisplay {
  const bar = new SingleBar(
    {
      format: "{subject}  {phase} {bar} {percentage}% {eta_formatted}",
      stream: process.stderr,
      clearOnComplete: true,
      // interrupt.ts handles signals.
      gracefulExit: false,
      hideCursor: null,
    },
    Presets.rect,
  );
  let phase: string | undefined;
  const clear = () => {
    bar.stop();
    phase = undefined;
  };
  // The bar changes the terminal's state, which must be restored if the process ends.
  signal.addEventListener("abort", clear);
  return {
    follow: (subject) => (progress) => {
      if (signal.aborted) return;
      const words = phaseWords(progress);
      if (words === phase) return bar.update(progress.done);
      clear();
      phase = words;
      bar.start(progress.total, progress.done, { subject: oneLine(subject), phase });
    },
    clear,
    say(line) {
      clear();
      process.stderr.write(`${oneLine(line)}\n`);
    },
  };
}

/** Prints a line when a phase begins and one for each quarter of it: enough for a log, not too much for 1000 scans. */
function lineDisplay(): ProgressDisplay {
  const say = (line: string) => void process.stderr.write(`${oneLine(line)}\n`);
  return {
    follow(subject) {
      let phase: string | undefined;
      let quarter = 0;
      return (progress) => {
        const now = progress.total > 0 ? Math.floor((4 * progress.done) / progress.total) : 0;
        const words = phaseWords(progress);
        if (words !== phase) {
          phase = words;
          quarter = now;
          say(`${subject}: ${phase}`);
        } else if (now > quarter && now < 4) {
          quarter = now;
          say(`${subject}: ${phase} ${25 * quarter} %`);
        }
      };
    },
    clear: () => {},
    say,
  };
}

/** Texts of phases that are not shown by their names. */
const words: Partial<Record<ProgressPhase, string>> = {
  prepare: "prepare scans",
  validate: "validate boxes",
};

function phaseWords({ phase, item }: Progress): string {
  if (item === undefined) return words[phase] ?? phase;
  const which = `${item.index + 1} of ${item.count}`;
  return phase === "survey" ? `survey of support ${which}` : `${words[phase] ?? phase} ${which}`;
}
