// Measured: the life of a contender in Node, as benchmarks/contenders/measured.py describes it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

function statusMb(name) {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(status.match(new RegExp(`${name}:\\s+(\\d+) kB`))[1]) / 1024;
}

export async function contend(render) {
  const [warmFile, taskFile, folder] = process.argv.slice(2);
  const warm = JSON.parse(readFileSync(warmFile, "utf8"));
  const task = JSON.parse(readFileSync(taskFile, "utf8"));
  await render(warm);
  const idle = statusMb("VmRSS");
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  const files = await render(task);
  const [used, took] = [process.cpuUsage(cpu), performance.now() - wall];
  const peak = statusMb("VmHWM");
  files.forEach((data, index) => {
    writeFileSync(join(folder, String(index).padStart(2, "0")), data);
  });
  process.stdout.write(
    JSON.stringify({
      cpu_s: (used.user + used.system) / 1e6,
      wall_s: took / 1e3,
      peak_rss_mb: peak,
      idle_rss_mb: idle,
    }),
  );
}
