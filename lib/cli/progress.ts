/** Progress on standard error: a bar on a terminal, a few plain lines elsewhere, nothing with --quiet. */
import { Presets, SingleBar } from "cli-progress";
import type { Progress, ProgressPhase } from "../index.js";
import { oneLine } from "./text.js";

/** How the work on one thing (a scan, a template file) is shown. */
export interface ProgressDisplay {
  /** For the `onProgress` of an API call about `subject`. */
  follow(subject: string): (progress: Progress) => void;
  /** Takes the bar away; call it before writing anything else. */
  clear(): void;
  /** A line of its own, unless quiet. */
  say(line: string): void;
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
      // Signals are interrupt.ts's.
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
  // The bar holds the terminal in a state that a process ended at once would leave behind.
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

/** A line when a phase begins and one per quarter of it: enough for a log, not too much for a thousand scans. */
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

/** Phases whose names are not what is shown. */
const words: Partial<Record<ProgressPhase, string>> = {
  prepare: "prepare scans",
  validate: "validate boxes",
};

function phaseWords({ phase, item }: Progress): string {
  if (item === undefined) return words[phase] ?? phase;
  const which = `${item.index + 1} of ${item.count}`;
  return phase === "survey" ? `survey of support ${which}` : `${words[phase] ?? phase} ${which}`;
}
