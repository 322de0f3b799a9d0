/**
 * Control groups (cgroup v2) for the processes of computations: whatever a process does to itself,
 * it stays in its group, and the system kills all that are in a group at once (`cgroup.kill`).
 *
 * @module
 */

import { join } from "node:path";
import { messageOf } from "../../log/error_message.ts";
import { getLogger } from "../../log/log.ts";

const log = getLogger("node");

/** How the names of nodes' groups begin. */
const PREFIX = "dispyscheduler-node-";

/** How long processes may take to end once the system has been told to kill them. */
const KILL_LIMIT_MS = 5_000;

const PAUSE_MS = 5;

/** Enters a group, and goes on as the command behind it; also where it cannot enter. */
const ENTER = '{ echo 0 >"$0/cgroup.procs"; } 2>/dev/null; exec "$@"';

/** Where the groups of a node are. */
export class Cgroups {
  /** @param folder The node's own group, which is empty but for those of computations. */
  private constructor(readonly folder: string) {}

  /**
   * Makes a group for the node's computations beside the node itself, and tries it out.
   *
   * @returns why that cannot be done, where it cannot
   */
  static async open(): Promise<Cgroups | string> {
    if (Deno.build.os !== "linux") return "only Linux has them";
    try {
      const parent = ownGroup(
        await Deno.readTextFile("/proc/self/mountinfo"),
        await Deno.readTextFile("/proc/self/cgroup"),
      );
      if (parent === null) return "cgroup v2 is not mounted";
      await removeLeftovers(parent);
      const folder = join(parent, `${PREFIX}${Deno.pid}-${crypto.randomUUID()}`);
      await Deno.mkdir(folder);
      const cgroups = new Cgroups(folder);
      const reason = await cgroups.#tryOut();
      if (reason === null) return cgroups;
      await Deno.remove(folder);
      return reason;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** A group for a computation. */
  async make(): Promise<Cgroup> {
    const path = join(this.folder, crypto.randomUUID());
    // A node that sees other processes may have taken the empty group for a leftover.
    await Deno.mkdir(path, { recursive: true });
    return new Cgroup(path);
  }

  /** Removes the node's group: no computation is left. */
  async close(): Promise<void> {
    await removeGroup(this.folder);
  }

  /** Why processes cannot be put into groups and killed there; `null` where they can. */
  async #tryOut(): Promise<string | null> {
    const group = await this.make();
    const [program = "", ...args] = [...group.launcher, "cat", "/proc/self/cgroup"];
    const { stdout } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    const isIn = new TextDecoder().decode(stdout).includes(group.name);
    const isKilled = await group.kill();
    await removeGroup(group.path);
    if (!isIn) return "processes cannot be put into them";
    return isKilled ? null : "the system cannot kill all that is in one (Linux 5.14 or later can)";
  }
}

/** The group of a computation's processes. */
export class Cgroup {
  /** What stands before a command that is to run in the group. */
  readonly launcher: readonly string[];

  constructor(readonly path: string) {
    this.launcher = ["sh", "-c", ENTER, path];
  }

  /** Names it apart from all others. */
  get name(): string {
    return this.path.slice(this.path.lastIndexOf("/") + 1);
  }

  /** Kills all that is in it, and waits until it is empty; whether it is. */
  async kill(): Promise<boolean> {
    try {
      await Deno.writeTextFile(join(this.path, "cgroup.kill"), "1");
      const startMs = performance.now();
      while (performance.now() - startMs < KILL_LIMIT_MS) {
        const events = await Deno.readTextFile(join(this.path, "cgroup.events"));
        if (/^populated 0$/m.test(events)) return true;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      log.warning("processes of a computation cannot be killed", { cgroup: this.path });
    } catch (error) {
      log.debug("a control group cannot be emptied", {
        cgroup: this.path,
        reason: messageOf(error),
      });
    }
    return false;
  }

  /** Kills all that is in it, and removes it. */
  async close(): Promise<void> {
    await this.kill();
    await removeGroup(this.path);
  }
}

/**
 * The folder of this process's own group, or `null` where cgroup v2 is not mounted.
 *
 * @param mounts `/proc/self/mountinfo`
 * @param groups `/proc/self/cgroup`
 */
export function ownGroup(mounts: string, groups: string): string | null {
  const mount = mounts.split("\n").map((line) => line.split(" "))
    .find((fields) => fields[fields.indexOf("-") + 1] === "cgroup2");
  const path = /^0::(\/.*)$/m.exec(groups)?.[1];
  const [, , , root, point] = mount ?? [];
  if (root === undefined || point === undefined || path === undefined) return null;
  // A container may show its own part alone, under the path that it has outside.
  const below = root !== "/" && path.startsWith(root) ? path.slice(root.length) : path;
  return join(point.replaceAll("\\040", " "), below);
}

/** Removes what nodes have left that were killed, together with what sees to their ends. */
async function removeLeftovers(parent: string): Promise<void> {
  for await (const { name } of Deno.readDir(parent)) {
    const pid = name.startsWith(PREFIX) ? parseInt(name.slice(PREFIX.length)) : NaN;
    if (Number.isNaN(pid) || await exists(`/proc/${pid}`)) continue;
    const folder = join(parent, name);
    for await (const { name: group, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await removeGroup(join(folder, group));
    }
    await removeGroup(folder);
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function removeGroup(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    log.debug("a control group stays", { cgroup: path, reason: messageOf(error) });
  }
}
