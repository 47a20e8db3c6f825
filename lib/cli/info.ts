/** `medlsam info`: versions, runtimes, devices and instruction sets, for a bug report. */

import type { Command } from "commander";
import { formatJson } from "../formats/json.js";
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
      const runtime = found.onnxRuntime;
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
        ["ONNX Runtime", "error" in runtime ? `unavailable: ${runtime.error}` : runtime.version],
        ...("error" in runtime ? [] : runtimeFacts(runtime)),
        ["zlib", found.zlib],
        ["compiler", found.compiler],
      ]);
      return writeStdout(`${text}\n`);
    });
}

function runtimeFacts({
  path,
  providers,
}: {
  path: string;
  providers: string[];
}): [string, string][] {
  return [
    ["  library", path],
    ["  providers", providers.join(", ")],
  ];
}
