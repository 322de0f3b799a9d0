/**
 * All processes that a job has made, its children's children too: found, measured, ended.
 *
 * A process belongs to a job that
 *
 * - is the job's main process, or descends from it; or
 * - is in the group or session that the main process leads; or
 * - carries the job's mark, a variable of its environment that children inherit: so those are found
 *   too that have left the group and whose parents have died (Linux only).
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { type ProcessInfo, readMarked, readProcesses, residentBytes } from "./process_table.ts";

const log = getLogger("node");

/** A variable that says whose a process is: `NAME=value`, the value unique in the world. */
export type ProcessMark = `${string}=${string}`;

/** Which processes are meant; see the module's description. */
export interface ProcessTree {
  /** The main process; `null` where only the mark is known. */
  readonly pid: number | null;
  /** `null` where only the main process is known. */
  readonly mark: ProcessMark | null;
}

/** How long processes may take to end by themselves, once told to. */
export const END_GRACE_MS = 3000;

/** After this long what is left cannot be killed: it hangs in the system. */
const KILL_LIMIT_MS = 5000;

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** The processes of `tree` that live, the main process first. */
export async function findProcesses(tree: ProcessTree): Promise<number[]> {
  const processes = await readProcesses();
  const marked = tree.mark === null ? [] : readMarked(processes, tree.mark);
  return [...belonging(processes, tree.pid, marked)];
}

/**
 * The memory that the main process and its descendants hold, in bytes. What several of them share
 * counts several times.
 *
 * @returns `null` where the system does not tell.
 */
export async function memoryOf(pid: number): Promise<number | null> {
  const processes = await readProcesses();
  if (processes.size === 0) return null;
  let bytes = 0;
  for (const each of belonging(processes, pid, [])) {
    const info = processes.get(each);
    if (info !== undefined) bytes += residentBytes(info);
  }
  return bytes;
}

/**
 * Ends all processes of `tree`, and waits until they are gone: first with SIGINT, which raises
 * `KeyboardInterrupt` in Python (dispynode does the same), then with SIGKILL. Once the main process
 * has ended, its children get no more time.
 *
 * @param graceMs How long they may take to end by themselves; 0 to kill them at once.
 * @returns whether none is left. Never rejects: while processes cannot be looked at, as too many
 *   files are open, that is tried again.
 */
export async function endProcesses(
  tree: ProcessTree,
  graceMs: number = END_GRACE_MS,
): Promise<boolean> {
  if (Deno.build.os === "windows") return await endWindowsTree(tree.pid);
  const startMs = performance.now();
  let pauseMs = FIRST_PAUSE_MS;
  const interrupted = new Set<number>();
  for (;;) {
    let pids: number[] = [];
    let trouble: string | null = null;
    try {
      pids = await findProcesses(tree);
    } catch (error) {
      trouble = messageOf(error);
    }
    const spentMs = performance.now() - startMs;
    if (pids.length === 0 && trouble === null) return true;
    if (spentMs > graceMs + KILL_LIMIT_MS) {
      log.warning("processes of a job cannot be killed", {
        pids: pids.join(" "),
        ...(trouble === null ? {} : { reason: trouble }),
      });
      return false;
    }
    const mainLives = tree.pid === null || pids.includes(tree.pid);
    if (spentMs < graceMs && mainLives) {
      for (const pid of pids) {
        if (!interrupted.has(pid)) signal(pid, "SIGINT");
        interrupted.add(pid);
      }
    } else {
      for (const pid of pids) signal(pid, "SIGKILL");
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

function belonging(
  processes: ReadonlyMap<number, ProcessInfo>,
  root: number | null,
  marked: readonly number[],
): Set<number> {
  const children = new Map<number, number[]>();
  const found = new Set<number>();
  const add = (pid: number) => {
    if (found.has(pid) || pid <= 1 || pid === Deno.pid || !processes.has(pid)) return;
    found.add(pid);
    for (const child of children.get(pid) ?? []) add(child);
  };
  for (const { pid, parent } of processes.values()) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  if (root !== null) {
    add(root);
    // The main process may have ended before its children.
    for (const pid of children.get(root) ?? []) add(pid);
    for (const { pid, group, session } of processes.values()) {
      if (group === root || session === root) add(pid);
    }
  }
  for (const pid of marked) add(pid);
  return found;
}

function signal(pid: number, name: "SIGINT" | "SIGKILL"): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || /ESRCH|No such process/.test(messageOf(error))) {
      return;
    }
    log.warning("a process of a job cannot be ended", { pid, reason: messageOf(error) });
  }
}

async function endWindowsTree(pid: number | null): Promise<boolean> {
  if (pid === null) return true;
  const { success } = await new Deno.Command("taskkill", {
    args: ["/PID", String(pid), "/T", "/F"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
