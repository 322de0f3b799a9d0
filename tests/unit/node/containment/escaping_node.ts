/**
 * A node of its own process: the system gives it the orphans of its jobs. Runs a job that leaves a
 * process behind with all means that there are, closes its computation, and tells what is left.
 *
 * Arguments: the job's Python, and whether a PID namespace is used.
 */

import { findNamespace } from "../../../../src/node/containment/namespace.ts";
import { Orphans } from "../../../../src/node/containment/orphans.ts";
import { readChildren } from "../../../../src/node/process_table.ts";
import { Lab } from "../python/lab.ts";

/** Processes that have `text` in their command lines, and have not ended. */
export function commandsWith(text: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    if (!(pid > 0)) return false;
    try {
      return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(text);
    } catch {
      return false;
    }
  });
}

if (import.meta.main) {
  const [code = "", how = ""] = Deno.args;
  const orphans = Orphans.open();
  if (typeof orphans === "string") throw new Error(orphans);
  const namespace = await findNamespace();
  if (how === "namespace" && namespace.kind === "none") throw new Error(namespace.reason);
  const launcher = how === "namespace" && namespace.kind !== "none" ? namespace.launcher : [];
  const lab = await Lab.open(code, { launcher });
  const failure = await lab.setup();
  if (failure !== null) throw new Error(failure);
  const seconds = `9${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const { status, exception } = await lab.run([seconds]);
  const another = await lab.run([null]);
  const during = commandsWith(seconds).length;
  await lab.close();
  await orphans.sweep([]);
  const left = commandsWith(seconds).length;
  // Those that were killed are waited for, and nothing else.
  while (readChildren(Deno.pid).length > 0) await orphans.sweep([]);
  console.log(JSON.stringify({ status, exception, next: another.exception, during, left }));
}
