/** A process for one grid: prints by how many bytes its peak rose above its memory with the volume loaded. */
import { existsSync, readFileSync } from "node:fs";
import { steps, Volume } from "../../dist/index.js";

const [step, path, threads] = process.argv.slice(2);
const volume = await Volume.read(path);
const before = process.memoryUsage.rss();
await steps[step](volume, { threads: Number(threads) });
console.log(peak() - before);

function peak() {
  const status = "/proc/self/status";
  // resourceUsage().maxRSS would count the parent process as well on Linux.
  if (!existsSync(status)) return 1024 * process.resourceUsage().maxRSS;
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(status, "utf8"))[1]);
}
