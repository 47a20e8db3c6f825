/** A peer: a Python process that holds its data and runs one thing at a time on request. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const python = process.env.PYTHON ?? "python3";

export class Peer {
  #process;
  #lines;
  /** Versions of the libraries that the script measures. */
  facts;

  /** Starts peers/NAME.py; if Python or a module is missing, prints a line about it and returns undefined. */
  static async start(name, args, threads, environment = {}) {
    const peer = new Peer();
    const script = fileURLToPath(new URL(`../peers/${name}.py`, import.meta.url));
    const limits = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
    peer.#process = spawn(python, [script, ...args.map(String)], {
      env: { ...process.env, ...limits, ...environment },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let failure = "could not start (its error is above)";
    peer.#process.on("error", () => {
      failure = `needs ${python}, which is missing (PYTHON names another)`;
    });
    peer.#process.stdin.on("error", () => {}); // the process ended; ask() reports it
    peer.#lines = createInterface({ input: peer.#process.stdout })[Symbol.asyncIterator]();
    const { value: line } = await peer.#lines.next();
    const reply = line === undefined ? { failure } : JSON.parse(line);
    if (reply.facts === undefined) {
      console.log(`No peer: ${name}.py ${reply.failure}.`);
      return undefined;
    }
    peer.facts = reply.facts;
    return peer;
  }

  /** Runs one of the script's operations: `seconds` it took, `extraBytes` of memory (null if unknown), its `value`. */
  async ask(operation) {
    this.#process.stdin.write(`${JSON.stringify(operation)}\n`);
    const { value: line, done } = await this.#lines.next();
    if (done) throw new Error(`The peer ended while running "${operation}".`);
    return JSON.parse(line);
  }

  async close() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.stdin.end();
    await ended;
  }
}
