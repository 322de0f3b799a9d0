/**
 * Effects in words, for the story.
 *
 * @module
 */

import type { Effect } from "../../src/core/mod.ts";

/** One line that says what `effect` wants done. */
export function describe(effect: Effect): string {
  switch (effect.kind) {
    case "setUpShare":
    case "tellNodeStatus":
    case "closeShare": {
      const { share } = effect;
      const how = effect.kind === "tellNodeStatus" ? ` ${effect.status}` : "";
      return `${effect.kind}${how}: cluster ${share.cluster.id} on ${share.node.ipAddr}`;
    }
    case "runJob":
      return `runJob ${effect.job.uid} on ${effect.share.node.ipAddr}`;
    case "terminateJob":
    case "tellJobRunning":
      return `${effect.kind} ${effect.job.uid} on ${effect.node.ipAddr}`;
    case "forgetJob":
      return `forgetJob ${effect.job.uid}`;
    case "deliver": {
      const { uid, status, reason, attempts } = effect.delivery;
      return `deliver job ${uid}: ${status}${reason ? ` (${reason})` : ""}, attempt ${attempts}`;
    }
    case "forgetResult":
      return `forgetResult of job ${effect.delivery.uid}`;
    case "probeNode":
    case "inventoryNode":
    case "checkUpNode":
      return `${effect.kind} ${effect.node.ipAddr}`;
    case "greetNode":
      return `greetNode ${effect.ipAddr}`;
    case "forgetNode":
      return `forgetNode ${effect.node.ipAddr}: ${effect.reason}`;
    default:
      return `${effect.kind} ${effect.cluster.id}`;
  }
}
