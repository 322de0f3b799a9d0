/**
 * Processes that jobs have left behind in a way that loses their parents: the node has the system
 * make it their parent (a "child subreaper"), so that it finds them whatever they have done to their
 * environment, session and group, ends them, and waits for them.
 *
 * @module
 */

import { getLogger } from "../../log/log.ts";
import { CLibrary } from "../c_library.ts";
import { isOwnChild } from "../own_children.ts";
import { isMarked, readChildren } from "../process_table.ts";
import { endProcesses, type ProcessMark } from "../process_tree.ts";

const log = getLogger("node");

/** See the module's description. */
export class Orphans {
  /** Of which computations an orphan may be: those that were here when it was found. */
  readonly #owners = new Map<number, ReadonlySet<ProcessMark>>();

  private constructor(private readonly library: CLibrary) {}

  /**
   * Has orphans come to this process from now on, for good.
   *
   * @returns why that cannot be done, where it cannot
   */
  static open(): Orphans | string {
    const library = CLibrary.open();
    if (typeof library === "string") return library;
    return library.adoptOrphans() ? new Orphans(library) : "the system refuses it";
  }

  /**
   * Ends orphans whose computations are closed, and waits for those that have ended.
   *
   * An orphan that does not show whose it is counts as one of all computations that were here when
   * it was found, and goes with the last of them.
   *
   * @param held The marks of the computations that are here.
   */
  async sweep(held: Iterable<ProcessMark>): Promise<void> {
    const marks = new Set(held);
    // What is killed may leave orphans of its own.
    for (let round = 0; round < 10; round++) {
      const doomed = this.#look(marks);
      if (doomed.length === 0) return;
      log.warning("processes that a job has left behind are ended", { pids: doomed.join(" ") });
      await Promise.all(doomed.map((pid) => endProcesses({ pid, mark: null }, 0)));
    }
  }

  /** Finds the orphans that are to be ended. */
  #look(marks: ReadonlySet<ProcessMark>): number[] {
    const present = new Set<number>();
    const doomed: number[] = [];
    for (const { pid, hasEnded } of readChildren(Deno.pid)) {
      if (isOwnChild(pid)) continue;
      if (hasEnded) {
        this.library.forgetChild(pid);
        continue;
      }
      present.add(pid);
      const owners = this.#owners.get(pid) ?? ownersOf(pid, marks);
      this.#owners.set(pid, owners);
      if (![...owners].some((mark) => marks.has(mark))) doomed.push(pid);
    }
    for (const pid of this.#owners.keys()) if (!present.has(pid)) this.#owners.delete(pid);
    return doomed;
  }
}

function ownersOf(pid: number, marks: ReadonlySet<ProcessMark>): ReadonlySet<ProcessMark> {
  for (const mark of marks) if (isMarked(pid, mark)) return new Set([mark]);
  return new Set(marks);
}
