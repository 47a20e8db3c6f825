import { describe, expect, it } from "vitest";
import { peerFromEnvironment } from "../../lib/training/peers.js";

const environment = {
  RANK: "5",
  LOCAL_RANK: "1",
  WORLD_SIZE: "8",
  MASTER_ADDR: "node-0",
  MASTER_PORT: "29500",
};

describe("a process that a launcher started", () => {
  it("learns from the environment which one it is", () => {
    const found = { rank: 5, count: 8, localRank: 1, host: "node-0", port: 29500 };
    expect(peerFromEnvironment(environment)).toEqual(found);
    const { LOCAL_RANK: _, ...without } = environment;
    expect(peerFromEnvironment(without)).toEqual({ ...found, localRank: 5 });
  });

  it("is alone where nothing says otherwise", () => {
    expect(peerFromEnvironment({})).toBeUndefined();
    for (const name of ["RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"]) {
      expect(peerFromEnvironment({ ...environment, [name]: undefined })).toBeUndefined();
    }
    expect(
      peerFromEnvironment({ ...environment, RANK: "0", LOCAL_RANK: "0", WORLD_SIZE: "1" }),
    ).toBeUndefined();
  });

  it("says what is wrong with the environment", () => {
    const refused = (changes: Partial<typeof environment>) => () =>
      peerFromEnvironment({ ...environment, ...changes });
    expect(refused({ RANK: "first" })).toThrow('variable RANK is "first", not a number');
    expect(refused({ RANK: "8" })).toThrow("RANK 8 of WORLD_SIZE 8");
    expect(refused({ MASTER_PORT: "0" })).toThrow("MASTER_PORT 0");
    expect(refused({ MASTER_PORT: "70000" })).toThrow("MASTER_PORT 70000");
  });
});
