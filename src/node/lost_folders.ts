/**
 * What a node does when folders of its own are gone while it runs.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { scratchFolder } from "./computation_folder.ts";
import type { Computations } from "./computations.ts";
import type { NodeContext } from "./context.ts";
import type { HeldComputation } from "./held_computations.ts";
import type { KeptReplies } from "./kept_replies.ts";

const log = getLogger("node");

/** See the module's description. */
export class LostFolders {
  /** Those that were told of. */
  readonly #given = new WeakSet<HeldComputation>();

  constructor(
    private readonly context: NodeContext,
    private readonly computations: Computations,
    private readonly kept: KeptReplies,
  ) {}

  /** Looks for them; called every few seconds. */
  async check(): Promise<void> {
    await Deno.mkdir(scratchFolder(this.context.options.folder), { recursive: true, mode: 0o700 });
    const results = await this.kept.forgetGone();
    if (results > 0) {
      log.error("results that were kept are gone from the node's folder, and lost", { results });
    }
    for (const computation of this.context.held) {
      if (!isThere(computation.folder.path)) this.giveUp(computation);
    }
  }

  /** Closes a computation whose folder is gone. */
  giveUp(computation: HeldComputation): void {
    if (this.#given.has(computation)) return;
    this.#given.add(computation);
    log.error("the folder of a computation is gone; the scheduler has to send it again", {
      computation: computation.compute.name,
      folder: computation.folder.path,
    });
    // What runs may end; what comes is refused, so that the scheduler sets it up again.
    void this.computations.dispose(computation);
  }
}

/** Whether there is such a folder. At once, as a job that comes twice must not get in between. */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
