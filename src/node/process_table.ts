/**
 * The processes of this machine, as far as the system tells: from `/proc` on Linux, from `ps` on
 * other Unix systems; none on Windows.
 *
 * @module
 */

/** A process that is alive. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** The process group's leader. */
  readonly group: number;
  /** The session's leader. */
  readonly session: number;
  /** Memory that it holds (resident set); `null` where that has to be asked for. */
  readonly memoryBytes: number | null;
}

const LATIN1 = new TextDecoder("latin1");

/** All processes, by their id; those that have ended but were not waited for are left out. */
export async function readProcesses(): Promise<Map<number, ProcessInfo>> {
  switch (Deno.build.os) {
    case "linux":
    case "android":
      return readProc();
    case "windows":
      return new Map();
    default:
      return await readPs();
  }
}

/**
 * Those of `processes` that have `entry` in their environment; those of other users do not show
 * it. Only Linux tells.
 *
 * @param entry `NAME=value`
 */
export function readMarked(processes: ReadonlyMap<number, ProcessInfo>, entry: string): number[] {
  if (Deno.build.os !== "linux") return [];
  return [...processes.keys()].filter((pid) => isMarked(pid, entry));
}

/** Whether a process has `entry` in its environment, as far as it shows it (Linux). */
export function isMarked(pid: number, entry: string): boolean {
  const environment = readIfThere(`/proc/${pid}/environ`);
  return environment !== null && ("\0" + environment).includes("\0" + entry + "\0");
}

/** The children of a process, also those that have ended but were not waited for (Linux). */
export function readChildren(
  parent: number,
): { readonly pid: number; readonly hasEnded: boolean }[] {
  return readStats().filter((info) => info.parent === parent)
    .map(({ pid, state }) => ({ pid, hasEnded: isOver(state) }));
}

/** Whether a process has been stopped, as by SIGSTOP or a debugger (Linux). */
export function isStopped(pid: number): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat !== null && /^[Tt]$/.test(parseStat(stat).state);
}

/**
 * The id of a process as this process would use it, which the process itself and its neighbours in
 * a PID namespace of their own know by another.
 *
 * @param inner Its id there.
 * @param candidates Processes among which it is.
 */
export function outerPid(inner: number, candidates: Iterable<number>): number | null {
  for (const pid of candidates) {
    const status = readIfThere(`/proc/${pid}/status`) ?? "";
    const ids = /^NSpid:\s*(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [String(pid)];
    if (Number(ids.at(-1)) === inner) return pid;
  }
  return null;
}

function readProc(): Map<number, ProcessInfo> {
  const living = readStats().filter(({ state }) => !isOver(state));
  return new Map(living.map(({ pid, parent, group, session }) => {
    return [pid, { pid, parent, group, session, memoryBytes: null }];
  }));
}

/** What `/proc/<pid>/stat` says of all processes. */
function readStats(): ProcessStat[] {
  const stats: ProcessStat[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    if (stat !== null) stats.push(parseStat(stat));
  }
  return stats;
}

/** Whether a process in that state has ended, and only waits to be waited for. */
function isOver(state: string): boolean {
  return "ZXx".includes(state);
}

/** A file of `/proc`, or `null` where the process has ended or is not ours to look at. */
function readIfThere(path: string): string | null {
  try {
    return LATIN1.decode(Deno.readFileSync(path));
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied || /ESRCH|os error 3\b/.test(String(error));
    if (gone) return null;
    throw error;
  }
}

/** A line of `/proc/<pid>/stat`. */
interface ProcessStat extends Omit<ProcessInfo, "memoryBytes"> {
  /** One letter: R runs, S sleeps, T is stopped, Z has ended, and others. */
  readonly state: string;
}

/** Reads a line of `/proc/<pid>/stat`: `pid (command) state ppid pgrp session …`. */
export function parseStat(stat: string): ProcessStat {
  // The command may hold spaces and parentheses; the fields behind it do not.
  const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [parent = 0, group = 0, session = 0] = fields.map(Number);
  return { pid: parseInt(stat), state, parent, group, session };
}

/** The memory that a process holds (resident set), in bytes; 0 where it has ended. */
export function residentBytes({ pid, memoryBytes }: ProcessInfo): number {
  if (memoryBytes !== null) return memoryBytes;
  const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`) ?? "")?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

async function readPs(): Promise<Map<number, ProcessInfo>> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-axo", "pid=,ppid=,pgid=,rss=,state="],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).output();
  const processes = new Map<number, ProcessInfo>();
  for (const line of LATIN1.decode(stdout).split("\n")) {
    const [pid, parent, group, kilobytes, state = "Z"] = line.trim().split(/\s+/);
    if (pid === undefined || pid === "" || state.startsWith("Z")) continue;
    processes.set(Number(pid), {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      // Of a group's leader they are one and the same here, and others are not asked for.
      session: Number(group),
      memoryBytes: Number(kilobytes) * 1024,
    });
  }
  return processes;
}
