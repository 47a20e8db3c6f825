/** The threads of the process: how many there are, whose turn it is, and how a waiting call ends. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { conformance } from "../support/data.js";
import { packageUrl, runScript } from "../support/script.js";

const start = `import { makePhantom, MedLam, setThreads, info, Volume } from ${JSON.stringify(packageUrl)};
import { readdirSync, readFileSync } from "node:fs";
const small = (seed, more) => makePhantom({ seed, region: "head", spacing: 6, ...more });
const long = (more) => makePhantom({ seed: 1, region: "trunk", spacing: 1, ...more });
const tell = (value) => console.log(JSON.stringify(value));
const settled = async (promise) => {
  const pending = Symbol();
  const first = await Promise.race([promise.catch(() => 0), new Promise((done) => setTimeout(done, 0, pending))]);
  return first !== pending;
};
/** A long call that computes already, and how to end it. */
const occupy = () => new Promise((running) => {
  const stop = new AbortController();
  const call = long({ signal: stop.signal, onProgress: () => running({ call, end: () => { stop.abort(); return call.catch((e) => e.code); } }) });
});
`;

describe.runIf(existsSync("/proc/self/task"))("the threads of a process", () => {
  const count = `
const tasks = () => readdirSync("/proc/self/task").map((id) => {
  try { return readFileSync(\`/proc/self/task/\${id}/comm\`, "utf8").trim(); } catch { return ""; }
});
`;

  it("are as many as MEDLSAM_THREADS says, whatever the number of calls", async () => {
    const ended = await runScript(
      `${start}${count}
await Promise.all(Array.from({ length: 16 }, () => import("node:fs/promises").then((fs) => fs.stat("."))));
const before = tasks().length;
const most = { ours: 0, all: 0 };
const watch = () => {
  const names = tasks();
  most.ours = Math.max(most.ours, names.filter((name) => name === "medlsam").length);
  most.all = Math.max(most.all, names.length - before);
};
const timer = setInterval(watch, 2);
await Promise.all(Array.from({ length: 60 }, (_, seed) => small(seed)));
const { ours } = most;
const medlam = await MedLam.load(${JSON.stringify(conformance("medlam/medlam.pth"))});
const patch = new Float32Array(medlam.patch ** 3);
await Promise.all(Array.from({ length: 8 }, () => medlam.run(patch, 0)));
watch();
clearInterval(timer);
tell({ ours, all: most.all });`,
      { MEDLSAM_THREADS: "2" },
    );
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const most = ended.value as { ours: number; all: number };
    expect(most.ours).toBe(2);
    // ONNX Runtime has as many.
    expect(most.all).toBeLessThanOrEqual(4);
  });
});

describe("calls that wait", () => {
  it("reject at once when they are cancelled, and never run", async () => {
    const { value, stderr } = await runScript(
      `${start}
const running = await occupy();
const stop = new AbortController();
let progress = 0;
const waiting = small(2, { signal: stop.signal, onProgress: () => ++progress });
const before = await settled(waiting);
stop.abort();
const code = await waiting.catch((error) => error.code);
const others = await settled(running.call);
tell({ before, code, others, progress, end: await running.end() });`,
      { MEDLSAM_THREADS: "1" },
    );
    expect({ value, stderr }).toEqual({
      value: { before: false, code: "ABORTED", others: false, progress: 0, end: "ABORTED" },
      stderr: "",
    });
  });

  it("get a thread while a long call computes", async () => {
    const { value, stderr } = await runScript(
      `${start}
const running = await occupy();
await Promise.all(Array.from({ length: 8 }, (_, seed) => small(seed)));
tell({ others: await settled(running.call), end: await running.end() });`,
      { MEDLSAM_THREADS: "2" },
    );
    expect({ value, stderr }).toEqual({ value: { others: false, end: "ABORTED" }, stderr: "" });
  });

  it("give the same bytes with few threads as with many", async () => {
    const source = `${start}
const { createHash } = await import("node:crypto");
const phantoms = await Promise.all([1, 2, 3].map((seed) => small(seed)));
const hash = createHash("sha256");
for (const { image } of phantoms) hash.update(new Uint8Array((await image.values()).buffer));
tell(hash.digest("hex"));`;
    const [one, four] = await Promise.all(
      ["1", "4"].map((threads) => runScript(source, { MEDLSAM_THREADS: threads })),
    );
    expect(one?.value).toMatch(/^[0-9a-f]{64}$/);
    expect(four?.value).toBe(one?.value);
  });

  it("do not keep a process from ending", async () => {
    const { code, signal } = await runScript(
      `${start}
const running = await occupy();
small(1); small(2);
process.exit(7);`,
      { MEDLSAM_THREADS: "1" },
    );
    expect({ code, signal }).toEqual({ code: 7, signal: null });
  });
});

describe("setThreads", () => {
  it("fixes the number before the first call", async () => {
    const { value } = await runScript(
      `${start}
setThreads(3);
setThreads(3);
const { threads } = await info();
let refused;
try { setThreads(2); } catch (error) { refused = error; }
tell({ threads, code: refused.code, message: refused.message });`,
      { MEDLSAM_THREADS: "2" },
    );
    expect(value).toEqual({
      threads: 3,
      code: "BAD_ARGUMENT",
      message: expect.stringContaining("computes with 3 threads since its first call"),
    });
  });

  it.each(["0", "many", "1025"])("refuses MEDLSAM_THREADS=%s", async (threads) => {
    const { value } = await runScript(
      `${start}tell(await info().catch(({ code, message }) => ({ code, message })));`,
      { MEDLSAM_THREADS: threads },
    );
    expect(value).toEqual({
      code: "BAD_ARGUMENT",
      message: expect.stringContaining("from 1 to 1024"),
    });
  });
});

describe("MEDLSAM_SIMD", () => {
  const level = (name: string) =>
    runScript(`${start}const { simd, simdWarning } = await info(); tell({ simd, simdWarning });`, {
      MEDLSAM_SIMD: name,
    });

  it("chooses a lower instruction set", async () => {
    expect((await level("baseline")).value).toEqual({
      simd: expect.stringMatching(/^(sse2|neon|baseline)$/),
    });
  });

  it("warns of a level that there is not", async () => {
    expect((await level("mmx")).value).toEqual({
      simd: expect.any(String),
      simdWarning: "MEDLSAM_SIMD=mmx is not a level: baseline, avx2 and avx512 are.",
    });
  });
});
