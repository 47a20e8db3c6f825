/** The processes that train one network together: those of one machine, which are started here, or those of a launcher. */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { checkArguments } from "../base/arguments.js";
import { UnavailableError, UsageError } from "../base/errors.js";

/** This process's rank in a run started by a launcher such as torchrun. */
export interface PeerOfRun {
  /** From 0, which writes the files. */
  rank: number;
  count: number;
  /** Among those of its machine: its CUDA device. */
  localRank: number;
  /** Where process 0 can be reached, and a free port there. */
  host: string;
  port: number;
}

/**
 * The rank that torchrun and other launchers put into the environment: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT and
 * LOCAL_RANK. @throws UsageError if one of them is not a number, or they contradict each other.
 */
export function peerFromEnvironment(environment: NodeJS.ProcessEnv): PeerOfRun | undefined {
  // process.env is not a plain object, as the schema wants it.
  const given = environment === process.env ? { ...environment } : environment;
  const variables = z.record(z.string(), z.string().optional());
  checkArguments("peerFromEnvironment", { environment: [given, variables] });
  const { RANK, WORLD_SIZE, MASTER_ADDR: host, MASTER_PORT, LOCAL_RANK = RANK } = environment;
  if (RANK === undefined || WORLD_SIZE === undefined || !host || MASTER_PORT === undefined) {
    return undefined;
  }
  const texts = { RANK, WORLD_SIZE, MASTER_PORT, LOCAL_RANK };
  for (const [name, text] of Object.entries(texts)) {
    if (!/^\d{1,5}$/.test(text ?? "")) {
      throw new UsageError(`The environment variable ${name} is "${text}", not a number.`);
    }
  }
  const [rank, count, port] = [Number(RANK), Number(WORLD_SIZE), Number(MASTER_PORT)];
  if (rank >= count || port < 1 || port > 65535) {
    throw new UsageError(
      `RANK ${rank} of WORLD_SIZE ${count} at MASTER_PORT ${port}: no such process or port.`,
    );
  }
  return count === 1 ? undefined : { rank, count, localRank: Number(LOCAL_RANK), host, port };
}

/** A process's place among those of a run, as the native options name it. */
export interface Peers {
  /** From 0. */
  rank: number;
  count: number;
  /** Where processes of one machine meet: a file; */
  file: string;
  /** where it is "", a port that process 0 opens. */
  host: string;
  port: number;
}

/** The place of a process that trains by itself. */
export const alone: Peers = { rank: 0, count: 1, file: "", host: "", port: 0 };

/** The work of a process that is started here. */
export interface PeerJob {
  plugin: string;
  /** Its trainer's options, as JSON. */
  options: string;
  /** The checkpoint to resume; "" for a new run. */
  checkpoint: string;
  /** The run's last step. */
  steps: number;
  threads: number;
}

/** The other processes of a run, on this machine. */
export class PeerProcesses {
  readonly count: number;
  readonly #children: ChildProcess[] = [];
  #folder = "";
  /** Why processes failed, as far as is known. */
  readonly #failures: string[] = [];

  /** `count`: of all processes, this one included. */
  constructor(count: number) {
    this.count = count;
  }

  /**
   * Starts them, and gives each its job once all have started; `optionsOf` gives a process its trainer's options. Returns
   * this process's own place. @throws UnavailableError if one ends before.
   */
  async start(job: Omit<PeerJob, "options">, optionsOf: (peers: Peers) => string): Promise<Peers> {
    this.#folder = mkdtempSync(join(tmpdir(), "medlsam-peers-"));
    const peers = { ...alone, count: this.count, file: join(this.#folder, "meeting") };
    const ranks = Array.from({ length: this.count - 1 }, (_, i) => i + 1);
    const children = await Promise.all(ranks.map((rank) => this.#startOne(rank)));
    for (const [i, child] of children.entries()) {
      child.send({ ...job, options: optionsOf({ ...peers, rank: i + 1 }) } satisfies PeerJob);
    }
    return peers;
  }

  /** Names the process that was lost, and the reason, in an error that one was. */
  async explain(error: unknown): Promise<unknown> {
    if (this.count === 1 || !(error instanceof UnavailableError)) return error;
    // Connections break before the system reports how a process ended.
    for (let i = 0; i < 20 && this.#failures.length === 0; i++) await setTimeout(50);
    if (this.#failures.length === 0) return error;
    const why = `${error.message} (${this.#failures.join("; ")})`;
    return new UnavailableError(error.code, why, { cause: error });
  }

  /** Ends the processes that still run. */
  close(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
  }

  #startOne(rank: number): Promise<ChildProcess> {
    const script = fileURLToPath(new URL("peer-process.js", import.meta.url));
    const child = fork(script, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#children.push(child);
    return new Promise((resolve, reject) => {
      child.once("message", () => resolve(child));
      child.on("message", (message: { failure?: string }) => {
        if (message.failure !== undefined)
          this.#failures.push(`process ${rank}: ${message.failure}`);
      });
      child.once("error", reject);
      child.once("exit", (_, signal) => {
        if (signal !== null) this.#failures.push(`process ${rank} ended with ${signal}`);
        const why = `Process ${rank} of the run ended before it began.`;
        reject(new UnavailableError("RUNTIME_UNAVAILABLE", why));
      });
    });
  }
}
