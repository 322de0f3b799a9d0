/**
 * The proofs that schedulers of ours may open requests with, one for each greeting that was
 * answered.
 *
 * @module
 */

import { authMatches } from "../wire/mod.ts";

/** Answers of which no request has come yet; anybody can have us answer. */
const MAX_UNUSED = 256;
/** One scheduler has the node at a time, with one proof. */
const MAX_USED = 8;

/** See the module's description. */
export class OwnAuthSessions {
  /** The oldest come first. */
  readonly #unused: Uint8Array[] = [];
  readonly #used: Uint8Array[] = [];

  /** A greeting was answered: its sender may open requests with `auth`. */
  add(auth: Uint8Array): void {
    this.#unused.push(auth);
    if (this.#unused.length > MAX_UNUSED) this.#unused.shift();
  }

  /** Whether a request that opens with `auth` is from a scheduler that knows the secret. */
  accepts(auth: Uint8Array): boolean {
    if (this.#used.some((each) => authMatches(each, auth))) return true;
    const at = this.#unused.findIndex((each) => authMatches(each, auth));
    if (at < 0) return false;
    // Those that are in use are not driven out by greetings of others.
    this.#used.push(...this.#unused.splice(at, 1));
    if (this.#used.length > MAX_USED) this.#used.shift();
    return true;
  }
}
