/**
 * Answers that nodes may take any time for: `setup` functions run long, and a computation is
 * closed once its jobs are done. A node whose machine died will never answer, and nothing tells
 * us so: meanwhile it is looked whether it is still there.
 *
 * @module
 */

import type { Core, Node } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import type { MessageStream } from "../wire/mod.ts";
import { messageOf } from "../log/error_message.ts";
import { MAX_ANSWER_BYTES } from "./context.ts";

const log = getLogger("node");

/** It is looked this often whether a node is still there. */
const CHECK_MS = 10_000;
/** So often in a row it must fail to be there. */
const TRIES = 3;

/** See the module's description. */
export class LongAnswers {
  /** Connections at which answers are waited for. */
  readonly #waiting = new Set<MessageStream>();

  /** @param checkMs How often it is looked whether a node is still there. */
  constructor(private readonly core: Core, private readonly checkMs: number = CHECK_MS) {}

  /**
   * Reads the answer of `node` to what `stream` has carried.
   *
   * @param knock Looks whether the node is there: throws where it is not. Returns whether the
   *   answer is still wanted.
   * @throws {WireError} `closed`, also where the node is not there any more, or was given up, or
   *   the answer is not wanted
   */
  async read(
    stream: MessageStream,
    node: Node,
    knock: () => Promise<boolean>,
  ): Promise<Uint8Array> {
    stream.timeoutMs = null;
    let failures = 0;
    let isKnocking = false;
    const check = setInterval(async () => {
      if (isKnocking) return;
      isKnocking = true;
      // One that was started again knows nothing of what its predecessor was asked.
      const isCurrent = this.core.nodes.get(node.ipAddr) === node;
      try {
        if (!isCurrent || !await knock()) stream.close();
        failures = 0;
      } catch (error) {
        failures++;
        log.debug("node that is to answer cannot be reached", {
          node: node.ipAddr,
          failures,
          reason: messageOf(error),
        });
        if (failures >= TRIES) stream.close();
      }
      isKnocking = false;
    }, this.checkMs);
    this.#waiting.add(stream);
    try {
      return await stream.readMessage(MAX_ANSWER_BYTES);
    } finally {
      clearInterval(check);
      this.#waiting.delete(stream);
    }
  }

  /** Waits no longer. */
  giveUp(): void {
    for (const stream of this.#waiting) stream.close();
  }
}
