/**
 * A PID namespace for what runs jobs, by `unshare` of util-linux: nothing leaves it, its first
 * process cannot be killed or stopped from within, and when that ends, the system kills all others.
 *
 * @module
 */

import { messageOf } from "../../log/error_message.ts";

/** Of the namespace's own `/proc`, so that processes find their children and nothing else. */
const OPTIONS = ["--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "slave"];

/** Without root's rights, in a user namespace, in which files and users are the same. */
const USER_OPTIONS = ["--user", "--map-current-user"];

/** Tells its own process id, as the system calls it and as `/proc` does. */
const PROBE = 'read -r pid rest </proc/self/stat && echo "$$ $pid"';

/** How a command is started in a PID namespace, or why that cannot be done. */
export type NamespaceOutcome =
  | { readonly kind: "root" | "user"; readonly launcher: readonly string[] }
  | { readonly kind: "none"; readonly reason: string };

/** Finds out whether this machine lets the node make PID namespaces, by making one. */
export async function findNamespace(): Promise<NamespaceOutcome> {
  if (Deno.build.os !== "linux") return { kind: "none", reason: "only Linux has them" };
  const kind = Deno.uid() === 0 ? "root" : "user";
  const launcher = ["unshare", ...(kind === "user" ? USER_OPTIONS : []), ...OPTIONS, "--"];
  const [program = "", ...args] = [...launcher, "sh", "-c", PROBE];
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [said, complaint] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (success && said === "1 1\n") return { kind, launcher };
    return { kind: "none", reason: complaint?.trim().split("\n")[0] || "unshare does not work" };
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no unshare: install util-linux"
      : messageOf(error);
    return { kind: "none", reason };
  }
}
