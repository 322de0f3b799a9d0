/**
 * Tells a dispy client why its job is not taken.
 *
 * @module
 */

import { dumps, PyGlobal } from "../pickle/mod.ts";

/**
 * The answer to a `JOB:` that is refused. dispy's client expects a number and knows no reasons:
 * `submit` returns `None` whatever is wrong, and its log shows the error of reading our answer.
 * So the answer is a pickle that cannot be loaded, as it names a module that does not exist:
 * `ModuleNotFoundError: No module named 'job refused by dispyscheduler: …'`. Other clients see a
 * class of a module whose name is the reason.
 */
export function encodeJobRefusal(reason: string): Uint8Array {
  // Python would take what is in front of a dot for a package.
  const name = `job refused by dispyscheduler: ${reason.replaceAll(".", "·")}`;
  return dumps(new PyGlobal(name, "JobRefused"));
}
