/** The loop over cases by itself, with jobs that are no scans. */
import { EventEmitter, once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { AbortedError, casesOf, runCases } from "../../lib/index.js";

describe("the loop", () => {
  const cases = casesOf(["1.nii", "2.nii", "3.nii"]);

  it("prepares one case ahead, or none, and releases each once", async () => {
    for (const lookAhead of [true, false]) {
      const log: string[] = [];
      const job = {
        prepare: async ({ name }: { name: string }) => {
          log.push(`prepare ${name}`);
          return name;
        },
        work: async (_: unknown, name: string) => {
          await setImmediate();
          log.push(`work ${name}`);
        },
        release: (name: string) => void log.push(`release ${name}`),
      };
      for await (const { case: each } of runCases(cases, job, { lookAhead }))
        if (each.name === "2") break;
      const turns = lookAhead
        ? "prepare 1, prepare 2, work 1, release 1, prepare 3, work 2, release 2, release 3"
        : "prepare 1, work 1, release 1, prepare 2, work 2, release 2";
      expect(log.join(", ")).toBe(turns);
    }
  });

  describe("of a job that concludes its cases", () => {
    const log: string[] = [];
    const works = new EventEmitter();
    const job = {
      prepare: async ({ name }: { name: string }) => name,
      work: async (_: unknown, name: string) => {
        log.push(`work ${name}`);
        works.emit("work");
        if (name === failing) throw new Error("cannot work");
        return name;
      },
      conclude: async (_: unknown, name: string) => {
        // Only the next case's work lets a case be concluded.
        if (beside && name !== "3") await once(works, "work");
        log.push(`conclude ${name}`);
        if (name === unwritable) throw new Error("cannot write");
      },
      release: (name: string) => void log.push(`release ${name}`),
    };
    let [failing, unwritable, beside] = ["", "", true];
    beforeEach(() => {
      log.length = 0;
      [failing, unwritable, beside] = ["", "", true];
    });
    const run = async (lookAhead = true, until = "") => {
      for await (const { case: each, status } of runCases(cases, job, { lookAhead })) {
        log.push(`${status} ${each.name}`);
        if (each.name === until) break;
      }
      return log.join(", ");
    };

    it("does so while the next one is worked on, and yields outcomes in their order", async () => {
      await run();
      const place = (entry: string) => log.indexOf(entry);
      for (const n of [1, 2]) {
        expect(place(`work ${n + 1}`)).toBeLessThan(place(`conclude ${n}`));
        expect(place(`release ${n}`)).toBeLessThan(place(`done ${n}`));
      }
      expect(place("done 1")).toBeLessThan(place("work 3"));
      const outcomes = log.filter((entry) => entry.startsWith("done"));
      expect(outcomes).toEqual(["done 1", "done 2", "done 3"]);
    });

    it("does so in its turn where nothing is prepared ahead", async () => {
      beside = false;
      expect(await run(false)).toBe(
        [1, 2, 3].map((n) => `work ${n}, conclude ${n}, release ${n}, done ${n}`).join(", "),
      );
    });

    it("goes on after one that fails, and concludes none that did", async () => {
      [failing, unwritable] = ["1", "2"];
      expect(await run()).toMatch(
        /^work 1, release 1, work 2, failed 1, work 3, conclude 2, release 2, .*failed 2, done 3$/,
      );
      expect(log).not.toContain("conclude 1");
    });

    it("concludes and frees what was worked on when it is left", async () => {
      beside = false;
      await run(true, "1");
      const done = [1, 2].flatMap((n) => [`work ${n}`, `conclude ${n}`, `release ${n}`]);
      expect(log.sort()).toEqual([...done, "done 1", "release 3"].sort());
    });

    it("yields what was concluded before it ends with an AbortedError", async () => {
      beside = false;
      const stop = new AbortController();
      const outcomes: string[] = [];
      const aborted = async () => {
        const stopping = {
          ...job,
          work: async (_: unknown, name: string) => {
            if (name === "2") stop.abort();
            return name;
          },
        };
        for await (const { case: each } of runCases(cases, stopping, { signal: stop.signal }))
          outcomes.push(each.name);
      };
      await expect(aborted()).rejects.toThrow(AbortedError);
      expect(outcomes).toEqual(["1", "2"]);
    });
  });
});
