/**
 * What things that peers have us keep are charged with.
 *
 * @module
 */

import type { NodeAllocation } from "../core/mod.ts";
import { dumpChunks } from "../pickle/mod.ts";
import {
  type Compute,
  encodeCompute,
  encodeNodeAllocSpec,
  type NodeAllocSpec,
} from "../wire/mod.ts";
import { totalBytes } from "./kept_payload.ts";
import type { HoldingSize } from "./memory_budget.ts";

/** What each takes in memory beside its own bytes: objects, and places in maps. */
const COMPUTATION_BYTES = 6 * 1024;
const FILE_BYTES = 1024;
const NODE_BYTES = 4 * 1024;

/** Of an entry of a node list, which is a pickle where it is written and objects where it is used. */
const ALLOCATION_BYTES = 512;

/**
 * A computation, whose code is a payload.
 *
 * @param head What of it is in memory at any time.
 * @param allocations Its node list.
 */
export function computationSize(
  head: Compute,
  allocations: readonly NodeAllocation[],
): HoldingSize {
  const specs = allocations.map(({ setup }) => encodeNodeAllocSpec(setup as NodeAllocSpec));
  const bytes = totalBytes(dumpChunks([encodeCompute(head), ...specs])) +
    specs.length * ALLOCATION_BYTES;
  return { keptBytes: bytes, residentBytes: COMPUTATION_BYTES + bytes };
}

/** A file of a client, with its description. */
export function fileSize(contentBytes: number, descriptionBytes: number): HoldingSize {
  return { keptBytes: contentBytes, residentBytes: FILE_BYTES + descriptionBytes };
}

/** A node, with so many characters that it says of itself. */
export function nodeSize(chars: number): HoldingSize {
  return { keptBytes: 0, residentBytes: NODE_BYTES + chars };
}
