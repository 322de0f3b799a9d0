/**
 * How a node is, for people.
 *
 * @module
 */

import type { Node } from "./entities.ts";
import type { Core } from "./state.ts";

/** A node that was silent for as many pulses has missed some. */
const SILENT_PULSES = 2.5;

/** How a node is. */
export type NodeState =
  /** It was heard of as it should be. */
  | "ready"
  /** A command has drained it. */
  | "drained"
  /** It was not reached when it was last asked, and is asked again. */
  | "not_answering"
  /** It uses to pulse, and does not. */
  | "silent"
  /** It has not answered since the scheduler was started again. */
  | "unconfirmed";

/** See {@linkcode NodeState}; what keeps jobs away goes before what is only suspicious. */
export function nodeState(core: Core, node: Node, nowMs: number): NodeState {
  const { pulseIntervalMs } = core.options;
  if (node.unreachable > 0 || node.probesRefused > 0 || node.probesSilent > 0) {
    return "not_answering";
  }
  if (node.inventory !== null && !node.inventory.isConfirmed) return "unconfirmed";
  if (node.cpuLimit === 0) return "drained";
  const silentMs = nowMs - node.lastPulseMs;
  const pulses = pulseIntervalMs !== null && node.shares.size > 0;
  return pulses && silentMs > SILENT_PULSES * pulseIntervalMs ? "silent" : "ready";
}
