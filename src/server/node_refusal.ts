/**
 * Why a node does not get what it is to get, although it can be reached.
 *
 * @module
 */

import type { SetupFailure } from "../core/mod.ts";
import type { XferFile } from "../wire/mod.ts";

/** A node's own message to our request; not a failure of the connection. */
export class Refusal extends Error {
  constructor(readonly failure: SetupFailure, message: string) {
    super(message);
  }
}

/** A file that the client has sent is not there any more, or damaged: no node can get it. */
export class LostFile extends Refusal {
  constructor(xfer: XferFile, reason: string) {
    super("setup_failed", `file ${xfer.name} of the client is lost: ${reason}`);
  }
}
