/**
 * The processes that this node has started itself. All other children of the node's process are
 * orphans of jobs, which the system has given to it (see `containment/orphans.ts`).
 *
 * @module
 */

const pids = new Set<number>();

/** A process has just been started; it counts until it has ended and was waited for. */
export function noteOwnChild(pid: number, ended: Promise<unknown>): void {
  pids.add(pid);
  const forget = () => void pids.delete(pid);
  ended.then(forget, forget);
}

/** Whether the node has started that process, which has not ended. */
export function isOwnChild(pid: number): boolean {
  return pids.has(pid);
}
