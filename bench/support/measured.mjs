/** `node measured.mjs RESULT MAIN [ARG …]`: runs the command MAIN in this process, and writes what it used into RESULT. */
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [node, , result, main, ...args] = process.argv;
const started = performance.now();
process.on("exit", (code) => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const figures = {
    code,
    wall: (performance.now() - started) / 1000,
    cpu: (userCPUTime + systemCPUTime) / 1e6,
    memory: maxRSS / 1024,
  };
  writeFileSync(result, JSON.stringify(figures));
});
process.argv = [node, main, ...args];
await import(pathToFileURL(main).href);
