// Builds prebuilds/<platform>-<arch>/medlsam.node with prebuildify, for a package that installs without a compiler.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { env, execPath, exit } from "node:process";
import { fileURLToPath } from "node:url";

// node-gyp insists on Node's headers, though the addon does not use them: prefer those next to node to a download.
const prefix = dirname(dirname(execPath));
const headers = existsSync(join(prefix, "include/node/node.h"))
  ? { npm_config_nodedir: prefix }
  : {};

const prebuildify = createRequire(import.meta.url).resolve("prebuildify/bin.js");
const { status } = spawnSync(execPath, [prebuildify, "--napi"], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  env: { ...env, ...headers },
  stdio: "inherit",
});
exit(status ?? 1);
