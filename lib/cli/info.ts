/** `medlsam info`: versions, runtimes, devices and instruction sets, for a bug report. */

import type { Command } from "commander";
import { formatJson } from "../formats/json.js";
import type { RuntimeInfo, RuntimeMissing } from "../index.js";
import { jsonOption } from "./options.js";
import { writeStdout } from "./output.js";
import type { Session } from "./session.js";
import { facts } from "./text.js";

export function addInfo(program: Command, session: Session): void {
  program
    .command("info")
    .description("say versions, runtimes, devices and instruction sets")
    .addOption(jsonOption())
    .action(async (flags: { json?: boolean }) => {
      const { info } = await session.api();
      const found = await info({ signal: session.signal });
      if (flags.json) return writeStdout(`${formatJson(found)}\n`);
      const text = facts([
        ["medlsam", found.version],
        ["Node", found.node],
        ["platform", found.platform],
        ["threads", String(found.threads)],
        [
          "instruction set",
          found.simdWarning ? `${found.simd} (${found.simdWarning})` : found.simd,
        ],
        ["devices", found.devices.join(", ")],
        ["default runtime", `${found.defaultRuntime.name} (${found.defaultRuntime.reason})`],
        ...runtimeFacts("ONNX Runtime", found.onnxRuntime),
        ...runtimeFacts("libtorch", found.torch),
        ["zlib", found.zlib],
        ["compiler", found.compiler],
      ]);
      return writeStdout(`${text}\n`);
    });
}

function runtimeFacts(
  name: string,
  runtime: (RuntimeInfo & { providers?: string[] }) | RuntimeMissing,
): [string, string][] {
  if ("error" in runtime) return [[name, `unavailable: ${runtime.error}`]];
  const { version, path, devices, providers } = runtime;
  return [
    [name, version],
    ["  library", path],
    ["  devices", devices.join(", ")],
    ...(providers ? [["  providers", providers.join(", ")] satisfies [string, string]] : []),
  ];
}
