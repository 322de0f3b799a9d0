/**
 * Steps at a node that wait for jobs. A node takes a job whatever state its computation is in: one
 * that comes between `COMPUTE:` and `SETUP:` runs without the client's `setup`, and one that comes
 * while the node closes the computation is killed without a reason. So a computation is set up only
 * where none of its jobs is at the node, and closed only where none is on its way there.
 *
 * @module
 */

import type { Share } from "./entities.ts";
import { type Core, reindexShare } from "./state.ts";

/** Sends the computation to its node, as soon as none of its jobs is there. */
export function holdSetup(core: Core, share: Share): void {
  share.state = "dropped";
  share.retryAtMs = Infinity;
  core.note(share);
  reindexShare(core, share);
  takeHeldStep(core, share);
}

/** Has the node close the computation, as soon as no job is on its way there. */
export function holdClose(core: Core, share: Share): void {
  share.isCloseHeld = true;
  takeHeldStep(core, share);
}

/** A job has left `share`, or has reached its node: takes the step that has waited for it. */
export function takeHeldStep(core: Core, share: Share): void {
  if (share.state === "dropped" && share.busy === 0) {
    share.state = "setting_up";
    core.note(share);
    core.emit({ kind: "setUpShare", share });
  } else if (share.isCloseHeld && share.underWay === 0) {
    share.isCloseHeld = false;
    core.emit({ kind: "closeShare", share, terminatePending: share.terminatePending });
  }
}
