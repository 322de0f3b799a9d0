/**
 * Sees that no job outlives the node, however the node ends: a small process that waits for the
 * node's end, and then kills all that is in the node's control group or carries the node's mark.
 *
 * @module
 */

import { noteOwnChild } from "./own_children.ts";
import type { ProcessMark } from "./process_tree.ts";

/**
 * Reads until the node is gone, then kills until nothing with the mark is left: a process may have
 * been just about to make another.
 */
const SCRIPT = `
trap '' INT TERM HUP
while read -r line; do :; done
if [ -w "$2" ]; then
  echo 1 >"$2"
  group=\${2%/cgroup.kill}
  # What was killed takes a moment to end.
  for try in 1 2 3 4 5 6 7 8 9 10; do
    rmdir "$group"/*/ "$group" 2>/dev/null
    [ -d "$group" ] || break
    sleep 0.1
  done
fi
for try in 1 2 3 4 5 6 7 8 9 10; do
  found=$(grep -lszxF -e "$1" /proc/[0-9]*/environ)
  [ -z "$found" ] && exit
  for each in $found; do
    each=\${each#/proc/}
    kill -KILL "\${each%/environ}" 2>/dev/null
  done
  sleep 0.1
done
`;

/** See the module's description. Does nothing where the system has no `/proc`. */
export class Warden {
  readonly #child: Deno.ChildProcess | null;

  /**
   * @param mark The node's own.
   * @param killFile A file of the system's that ends all jobs when a 1 is written to it.
   */
  constructor(mark: ProcessMark, killFile: string | null) {
    this.#child = Deno.build.os !== "linux" ? null : new Deno.Command("sh", {
      args: ["-c", SCRIPT, "sh", mark, killFile ?? ""],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      // What is sent to the node's process group, by Ctrl-C for one, is not for it.
      detached: true,
    }).spawn();
    if (this.#child !== null) noteOwnChild(this.#child.pid, this.#child.status);
  }

  /** Ends it; it kills what is left, if anything. */
  async close(): Promise<void> {
    if (this.#child === null) return;
    await this.#child.stdin.close();
    await this.#child.status;
  }
}
