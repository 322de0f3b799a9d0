/**
 * What dispy's own JobCluster hears from a node beyond what schedulers do: a computation that was
 * reset (`resetup_node`).
 *
 * @module
 */

import { PyDict } from "../pickle/mod.ts";
import { toInt } from "./fields.ts";
import { encodeTagged } from "./tags.ts";

/** A node tells a scheduler that a computation was reset: it waits for another setup. */
export interface NodeClosed {
  readonly computeId: number;
  readonly auth: string;
  readonly nodeIpAddr: string;
  /** Auth code of the node's secret and its own sign: what schedulers prove themselves with. */
  readonly nodeAuth: Uint8Array;
}

/** Writes `NODE_CLOSED:`. No answer. */
export function encodeNodeClosed(closed: NodeClosed): Uint8Array[] {
  return encodeTagged(
    "NODE_CLOSED",
    PyDict.from({
      node_addr: closed.nodeIpAddr,
      node_auth: closed.nodeAuth,
      compute_id: toInt(closed.computeId),
      auth: closed.auth,
    }),
  );
}
