import { defineConfig } from "vitest/config";
import config from "./vitest.config.js";

/** `npm run test:torch`: what needs the plugin that `npm run build:torch` builds. */
export default defineConfig({
  test: { ...config.test, include: ["test/torch/**/*.test.ts"], exclude: [] },
});
