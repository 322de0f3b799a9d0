/**
 * Tells a dispy client why its job is not taken.
 *
 * @module
 */

import { dumps, PyGlobal, PYTHON2_PROTOCOL } from "../pickle/mod.ts";

/**
 * The answer to a `JOB:` that is refused. dispy's client expects a number and knows no reasons:
 * `submit` returns `None` whatever is wrong, and its log shows the error of reading our answer.
 * So the answer is a pickle that cannot be loaded, as it names a module that does not exist:
 * `ModuleNotFoundError: No module named 'job refused by dispyscheduler: …'`. Other clients see a
 * class of a module whose name is the reason.
 *
 * @param pickleProtocol Highest that the client's Python reads, where that is known.
 */
export function encodeJobRefusal(reason: string, pickleProtocol?: number): Uint8Array {
  const isPython2 = pickleProtocol === PYTHON2_PROTOCOL;
  // Python would take what is in front of a dot for a package.
  const text = isPython2 ? asciiOf(reason) : reason.replaceAll(".", "·");
  const name = `job refused by dispyscheduler: ${text}`;
  return dumps(new PyGlobal(name, "JobRefused"), pickleProtocol);
}

/** Names of modules are ASCII in Python 2. */
function asciiOf(text: string): string {
  return text.replaceAll(".", ",").replace(/[^ -~]/g, "?");
}
