import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // These need the torch plugin: vitest.torch.config.ts.
    exclude: ["test/torch/**"],
    environment: "node",
    globalSetup: "test/support/shared-folder.ts",
    // Processes, not threads: a native crash then fails one file, and signals and exit codes can be tested.
    pool: "forks",
    // The addon has threads of its own.
    maxWorkers: 2,
    // Only to catch a hang: no test fails for being slow.
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
