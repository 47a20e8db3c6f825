// Runs on `npm install`: uses the package's prebuilt addon if it loads, and builds one otherwise.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { env } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function prebuildLoads() {
  env.PREBUILDS_ONLY = "1";
  try {
    createRequire(import.meta.url)("node-gyp-build")(root);
    return true;
  } catch (error) {
    console.log(
      `medlsam: no prebuilt addon for this system, building one (${error.message.trim()})`,
    );
    return false;
  }
}

// In a clone the sources may be newer than a prebuild.
const isClone = existsSync(new URL("../.git", import.meta.url));
const wantsBuild = env.npm_config_build_from_source === "true";
if (isClone || wantsBuild || !prebuildLoads()) await import("./build-native.mjs");
