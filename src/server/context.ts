/**
 * What the parts of the server share.
 *
 * @module
 */

import type { Node, NodeInfo } from "../core/mod.ts";
import type { CoreJournal } from "../journal/core_journal.ts";
import type { FileStore } from "../store/file_store.ts";
import { authCode } from "../wire/mod.ts";
import type { OwnAddresses } from "../net/addresses.ts";
import type { Computations } from "./computation.ts";
import type { Engine } from "./engine.ts";
import type { ServerOptions } from "./options.ts";
import type { ForeignPayloads } from "./foreign_payloads.ts";
import type { PayloadKeeper } from "./kept_payload.ts";
import type { MemoryBudget } from "./memory_budget.ts";
import type { TransferBudget } from "../net/transfer_budget.ts";
import type { Quotas } from "./quotas.ts";
import type { Transport } from "../net/transport.ts";

/** What the parts of the server share. */
export interface Context {
  readonly options: ServerOptions;
  readonly engine: Engine;
  readonly nodeTransport: Transport;
  readonly clientTransport: Transport;
  readonly computations: Computations;
  readonly quotas: Quotas;
  readonly store: FileStore;
  /** Arguments and results, and the account of all that is kept for clients. */
  readonly payloads: PayloadKeeper;
  /** The same for peers whose Python does not read them as they are. */
  readonly foreign: ForeignPayloads;
  /** The account of what is kept of nodes, by the address that has announced them. */
  readonly nodeBudget: MemoryBudget;
  /** Room for messages that are being received, by who sends them. */
  readonly receiving: { readonly nodes: TransferBudget; readonly clients: TransferBudget };
  /** What is to survive an end of this process; `null` = nothing is. */
  readonly journal: CoreJournal | null;
  /** Our random mark since our start: peers prove their secrets with it. */
  readonly sign: string;
  /** What nodes prove their secret with. */
  readonly nodeAuth: Uint8Array;
  /** What clients prove their secret with. */
  readonly clusterAuth: Uint8Array;
  readonly addresses: OwnAddresses;
}

/** A peer with a wrong secret goes on trying; its warning is not repeated within this time. */
export const SECRET_WARNING_INTERVAL_MS = 10 * 60_000;

/** Answers of nodes other than results may be this long. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

const authOfNode = new WeakMap<NodeInfo, Uint8Array>();
const ENCODER = new TextEncoder();

/** What we prove the node secret with towards `node`: our own proof, or dispy's. */
export function nodeAuthOf(context: Context, { info }: Node): Uint8Array {
  let auth = authOfNode.get(info);
  if (auth === undefined) {
    const { requestAuth } = info;
    auth = requestAuth === undefined
      ? authCode(context.options.nodeSecret, info.sign)
      : ENCODER.encode(requestAuth);
    authOfNode.set(info, auth);
  }
  return auth;
}
