/**
 * What the kernel says of a running process (Linux).
 *
 * @module
 */

/** Kernel clock ticks a second in `/proc/<pid>/stat`: 100 on every Linux in use. */
const TICKS_PER_S = 100;

/** CPU time that a process has used so far, in all its threads, by itself and the kernel for it. */
export function cpuMs(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The command's name stands in parentheses and may hold anything; numbers follow behind.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Fields 14 and 15 of proc(5), which counts from 1 and has two before this slice.
  const [utime, stime] = [Number(fields[11]), Number(fields[12])];
  return (utime + stime) * 1000 / TICKS_PER_S;
}

/** CPU time that everything on the machine has used since its start, on all cores. */
export function machineCpuMs(): number {
  // user, nice, system, idle, iowait, irq, softirq, steal; see proc(5).
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = Deno
    .readTextFileSync("/proc/stat").split("\n", 1)[0]!.split(/ +/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * 1000 / TICKS_PER_S;
}

/** Most memory that a process has had in use at once. */
export function peakMemoryKib(pid: number): number {
  return memoryKib(pid, "VmHWM");
}

/** Memory of a process, by one of the names in `/proc/<pid>/status`. */
export function memoryKib(pid: number, name: "VmRSS" | "VmHWM" | "RssAnon"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m"))?.[1]);
}
