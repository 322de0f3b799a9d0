/**
 * How what the simulated server puts into the core is written into the journal, and read again.
 *
 * @module
 */

import type { Cluster } from "../../src/core/mod.ts";
import type { PayloadReader, PayloadWriter } from "../../src/journal/core_journal.ts";
import { pack, unpack } from "../../src/journal/packing.ts";
import type { JobScript, ReplyScript } from "./env.ts";

/** A reply that is on its way to its client: like the real server, it takes another form then. */
export class KeptReply {
  constructor(readonly reply: ReplyScript) {}
}

/** Stands for what the `extra` of a job or a result is in the real server. */
const EXTRA = "extra";

/** Writes; `ownerOf` names the client of a cluster. */
export function payloadWriter(ownerOf: (cluster: Cluster) => string): PayloadWriter {
  return {
    computation: (cluster) => pack(ownerOf(cluster)),
    setup: (setup) => pack(setup as string),
    job: (payload) => ({ bytes: pack({ ...payload as JobScript }), extra: EXTRA }),
    reply: (payload) => {
      if (payload instanceof KeptReply) throw new Error("a result is written when it is under way");
      return { bytes: pack({ ...payload as ReplyScript }), extra: EXTRA };
    },
  };
}

/** Reads. */
export const PAYLOAD_READER: PayloadReader = {
  setup: (bytes) => unpack<string>(bytes),
  job: ({ payload }, extra) => {
    if (extra !== EXTRA) throw new Error("a job's extra is not what was written");
    return unpack<JobScript>(payload!);
  },
  reply: ({ payload }, extra) => {
    if (extra !== EXTRA) throw new Error("a result's extra is not what was written");
    return unpack<ReplyScript>(payload!);
  },
};
