/**
 * Hides secrets from jobs that run on the same machine with the rights of the same user: the system
 * shows them a process's environment and arguments as they were at its start, and its memory.
 *
 * Nothing is hidden from root, and a file of the user's is open to the user's jobs.
 *
 * @module
 */

import { SECRET_VARIABLES } from "../cli/secrets.ts";
import { messageOf } from "../log/error_message.ts";
import { CLibrary } from "../node/c_library.ts";

/** Positions in `/proc/self/stat` behind the command's name: see proc(5), counted from its state. */
const ARGUMENTS_AT = 45;
const ENVIRONMENT_AT = 47;

/** What stands where a secret was. */
const STAR = "*".charCodeAt(0);

/** Less does not let a program write to its own memory. */
const NEEDED = ["run", "read", "write", "net", "env", "sys", "ffi", "import"] as const;

/**
 * Overwrites secrets in this process's arguments and environment, and keeps processes of the same
 * user from reading its memory.
 *
 * @param secrets Those that are in use; "" for none.
 * @returns why they can still be read, or `null`. Never asks for a permission.
 */
export function hideSecrets(secrets: readonly string[]): string | null {
  const wanted = secrets.filter((secret) => secret !== "");
  if (wanted.length === 0) return null;
  if (Deno.build.os !== "linux") return "this system does not let a program hide them";
  const isGranted = (name: typeof NEEDED[number]) =>
    Deno.permissions.querySync({ name }).state === "granted";
  if (!NEEDED.every(isGranted)) return "that needs all permissions of Deno (-A)";
  try {
    overwrite(wanted);
  } catch (error) {
    return messageOf(error);
  }
  const library = CLibrary.open();
  if (typeof library === "string") return library;
  return library.forbidInspection() ? null : "the system refuses to protect the memory";
}

function overwrite(secrets: readonly string[]): void {
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  using memory = Deno.openSync("/proc/self/mem", { read: true, write: true });
  for (const [at, find] of [[ARGUMENTS_AT, inArgument], [ENVIRONMENT_AT, inVariable]] as const) {
    const [start, end] = [BigInt(fields[at]!), BigInt(fields[at + 1]!)];
    const bytes = new Uint8Array(Number(end - start));
    memory.seekSync(start, Deno.SeekMode.Start);
    readAll(memory, bytes);
    for (const { from, to } of entries(bytes)) {
      const secret = find(bytes.subarray(from, to), secrets);
      if (secret === null) continue;
      memory.seekSync(start + BigInt(to - secret), Deno.SeekMode.Start);
      memory.writeSync(new Uint8Array(secret).fill(STAR));
    }
  }
}

function readAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const count = file.readSync(bytes.subarray(at));
    if (count === null) throw new Error("the memory of this process ends too early");
    at += count;
  }
}

/** The texts in a block of them, each with a NUL behind it. */
function* entries(bytes: Uint8Array): Generator<{ readonly from: number; readonly to: number }> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0, from);
    const to = end < 0 ? bytes.length : end;
    yield { from, to };
    from = to + 1;
  }
}

/** How many bytes at the end of an argument are a secret; `null` where it holds none. */
function inArgument(bytes: Uint8Array, secrets: readonly string[]): number | null {
  const text = new TextDecoder().decode(bytes);
  const secret = secrets.find((each) => {
    return text === each || text === `-s${each}` ||
      (text.startsWith("-") && text.endsWith(`=${each}`));
  });
  return secret === undefined ? null : new TextEncoder().encode(secret).length;
}

/** How many bytes at the end of a variable are a secret, in use or not; `null` where there is none. */
function inVariable(bytes: Uint8Array): number | null {
  const text = new TextDecoder().decode(bytes);
  const name = SECRET_VARIABLES.find((each) => text.startsWith(`${each}=`));
  return name === undefined ? null : bytes.length - name.length - 1;
}
