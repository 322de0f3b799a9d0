/**
 * How the memory is divided among what peers have us keep and what is under way.
 *
 * @module
 */

import type { Database } from "../journal/database.ts";
import type { FileStore } from "../store/file_store.ts";
import type { Context } from "./context.ts";
import { ForeignPayloads } from "./foreign_payloads.ts";
import { PayloadKeeper } from "./kept_payload.ts";
import { MemoryBudget } from "./memory_budget.ts";
import { TransferBudget } from "../net/transfer_budget.ts";
import type { ServerOptions } from "./options.ts";

/** Of all the memory, for arguments, results and code that wait here. */
const KEPT_SHARE = 3 / 8;

/** For what describes computations and files of clients, which cannot be on disk alone. */
const RESIDENT_SHARE = 1 / 16;

/** For what nodes say of themselves. */
const NODES_SHARE = 1 / 16;

/** For what is read from disk to be sent. */
const SENDING_SHARE = 3 / 16;

/** For what is written anew for another Python. */
const FOREIGN_SHARE = 1 / 16;

/** For what nodes send, and as much for what clients send. */
const RECEIVING_SHARE = 1 / 8;

/**
 * Divides the memory.
 *
 * @param database The journal, or `null`.
 */
export function planMemory(
  options: Pick<ServerOptions, "memoryBudgetBytes" | "diskBudgetBytes" | "maxJobs">,
  store: FileStore,
  database: Database | null,
): Pick<Context, "payloads" | "foreign" | "receiving" | "nodeBudget"> {
  const { memoryBudgetBytes, diskBudgetBytes, maxJobs } = options;
  const memoryBytes = memoryBudgetBytes * KEPT_SHARE;
  const budget = new MemoryBudget({
    memoryBytes,
    residentBytes: memoryBudgetBytes * RESIDENT_SHARE,
    // Without a disk, memory is all there is.
    keptBytes: store.isOnDisk ? diskBudgetBytes : memoryBytes,
    maxItems: maxJobs,
  });
  const sending = new TransferBudget(memoryBudgetBytes * SENDING_SHARE);
  const receivingBytes = memoryBudgetBytes * RECEIVING_SHARE;
  return {
    nodeBudget: new MemoryBudget({
      memoryBytes: 0,
      residentBytes: memoryBudgetBytes * NODES_SHARE,
      keptBytes: 0,
      maxItems: 0,
    }),
    payloads: new PayloadKeeper({ budget, store, sending, journal: database }),
    foreign: new ForeignPayloads(new TransferBudget(memoryBudgetBytes * FOREIGN_SHARE)),
    receiving: {
      nodes: new TransferBudget(receivingBytes),
      clients: new TransferBudget(receivingBytes),
    },
  };
}
