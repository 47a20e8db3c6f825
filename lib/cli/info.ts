/** `medlsam info`: versions, runtimes, devices and instruction sets, for a bug report. */

import type { Command } from "commander";
import { formatJson } from "../formats/json.js";
import type { Info, RuntimeInfo, RuntimeMissing } from "../index.js";
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
        ...driverFacts(found),
        ["default runtime", `${found.defaultRuntime.name} (${found.defaultRuntime.reason})`],
        ...runtimeFacts("ONNX Runtime", found.onnxRuntime),
        ...runtimeFacts("libtorch", found.torch),
        ...pluginFacts(found.cudaPlugin),
        ["zlib", found.zlib],
        ["compiler", found.compiler],
      ]);
      return writeStdout(`${text}\n`);
    });
}

type Fact = [name: string, value: string];

/** The driver, its GPUs, and which of them networks run on. */
function driverFacts({ cuda, gpu }: Info): Fact[] {
  if ("error" in cuda) return [["NVIDIA driver", `none: ${cuda.error}`]];
  const version = cuda.version === undefined ? "" : `${cuda.version}, `;
  const gpus = cuda.gpus.map(({ name, memory, capability }, i): Fact => {
    const gibibytes = (memory / 2 ** 30).toFixed(1);
    return [`  cuda:${i}`, `${name}, ${gibibytes} GiB, compute capability ${capability}`];
  });
  const facts: Fact[] = [["NVIDIA driver", `${version}runs CUDA up to ${cuda.cuda}`], ...gpus];
  if (gpu === undefined) return [...facts, ["  GPUs", "none"]];
  const used = "error" in gpu ? `none is used: ${gpu.error}` : `${gpu.device} by ${gpu.runtime}`;
  return [...facts, ["  networks", used]];
}

/** The kernels around the networks. */
function pluginFacts(plugin: Info["cudaPlugin"]): Fact[] {
  if ("error" in plugin) return [["CUDA plugin", `unavailable: ${plugin.error}`]];
  const { version, architectures, path, devices, noGpu } = plugin;
  const [pool, masks] = [plugin.pool / 2 ** 20, plugin.masks / 2 ** 20];
  return [
    ["CUDA plugin", `for CUDA ${version}, compute capabilities ${architectures}`],
    ["  library", path],
    noGpu === undefined ? ["  devices", devices.join(", ")] : ["  no GPU", noGpu],
    [
      "  memory",
      `a scan keeps up to ${pool} MiB that patches and pictures gave back, and masks in ${masks} MiB`,
    ],
  ];
}

function runtimeFacts(
  name: string,
  runtime:
    | (RuntimeInfo & { providers?: string[]; cuda?: string; noCuda?: string })
    | RuntimeMissing,
): Fact[] {
  if ("error" in runtime) return [[name, `unavailable: ${runtime.error}`]];
  const { version, path, devices, providers, cuda, noCuda } = runtime;
  const facts: [string, string | undefined][] = [
    [name, cuda === undefined ? version : `${version}, for CUDA ${cuda}`],
    ["  library", path],
    ["  devices", devices.join(", ")],
    ["  providers", providers?.join(", ")],
    ["  no CUDA", noCuda],
  ];
  return facts.filter((fact): fact is Fact => fact[1] !== undefined);
}
