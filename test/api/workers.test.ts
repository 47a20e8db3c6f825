/** The addon in worker threads: several at once, one terminated in the middle of a call, all gone and loaded again. */
import { describe, expect, it } from "vitest";
import { packageUrl, runScript } from "../support/script.js";

/** What every Worker begins with. */
const prelude = `import { parentPort } from "node:worker_threads";
import { createHash } from "node:crypto";
import { makePhantom } from ${JSON.stringify(packageUrl)};
const hashOf = async ({ image }) => createHash("sha256").update(new Uint8Array((await image.values()).buffer)).digest("hex");
const small = (seed) => makePhantom({ seed, region: "head", spacing: 6 }).then(hashOf);
const long = (onProgress) => makePhantom({ seed: 1, region: "trunk", spacing: 1, onProgress });
`;
const start = `import { Worker } from "node:worker_threads";
const tell = (value) => console.log(JSON.stringify(value));
const worker = (source) =>
  new Worker(new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(prelude)} + source)));
const message = (of) => new Promise((done, fail) => of.once("message", done).once("error", fail));
const exit = (of) => new Promise((done) => of.once("exit", done));
`;

describe("the addon in Workers", () => {
  it("computes the same in two at once as in one", async () => {
    const { value, stderr } = await runScript(
      `${start}
const source = "parentPort.postMessage(await Promise.all([1, 2, 3].map(small)));";
const both = await Promise.all([worker(source), worker(source)].map(message));
const alone = await message(worker(source));
tell({ alone: alone.length, same: both.map((hashes) => hashes.join() === alone.join()) });`,
      { MEDLSAM_THREADS: "2" },
    );
    expect({ value, stderr }).toEqual({ value: { alone: 3, same: [true, true] }, stderr: "" });
  });

  it("ends a Worker in the middle of its calls, and goes on for the others", async () => {
    const { value, stderr } = await runScript(
      `${start}
const doomed = worker("for (let i = 0; i < 5; ++i) long(() => parentPort.postMessage(i));");
const other = worker("parentPort.on('message', async (seed) => parentPort.postMessage(await small(seed)));");
await message(doomed);
other.postMessage(1);
const code = await doomed.terminate();
const first = await message(other);
other.postMessage(1);
const second = await message(other);
await other.terminate();
tell({ code, same: first === second });`,
      { MEDLSAM_THREADS: "1" },
    );
    expect({ value, stderr }).toEqual({ value: { code: 1, same: true }, stderr: "" });
  });

  it("is there again after every Worker that loaded it has ended", async () => {
    const { value, code, signal } = await runScript(
      `${start}
const hashes = [];
for (let i = 0; i < 3; ++i) {
  const one = worker("parentPort.postMessage(await small(1));");
  const ended = exit(one);
  hashes.push(await message(one));
  await ended;
}
tell(new Set(hashes).size);`,
    );
    expect({ value, code, signal }).toEqual({ value: 1, code: 0, signal: null });
  });
});
