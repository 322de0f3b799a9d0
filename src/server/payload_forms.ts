/**
 * How arguments and results are written down where they are kept.
 *
 * @module
 */

import { unpack } from "../journal/packing.ts";
import { dumpChunks, PyTuple } from "../pickle/mod.ts";
import {
  type Compute,
  decodeBareJobReply,
  decodeCompute,
  decodeDispyJob,
  decodePickle,
  type DispyJob,
  encodeBareJobReply,
  encodeCompute,
  encodeDispyJob,
  type JobReply,
  withoutFieldLimits,
} from "../wire/mod.ts";
import { type PayloadForm, totalBytes } from "./kept_payload.ts";

/** A job as its client sent it, with the uid that it was given. */
export const JOB_FORM: PayloadForm<DispyJob> = {
  table: "job",
  kind: "job",
  encode: (job) => dumpChunks(encodeDispyJob(job)),
  decode: (bytes) =>
    withoutFieldLimits(() => decodeDispyJob(decodePickle(bytes, "job that was kept"))),
  sizeOf: (job) => {
    const { args, kwargs, code, hash, xferFiles, extra } = job;
    const bytes = args.length + kwargs.length + code.length;
    const isPlain = extra === null && xferFiles.length === 0 && hash.length <= PLAIN_HASH_LENGTH;
    return isPlain ? bytes : bytes + descriptionBytes(job);
  },
};

/** Those of dispy are shorter. */
const PLAIN_HASH_LENGTH = 64;

/** What a job takes beside its content. */
function descriptionBytes(job: DispyJob): number {
  const bare = encodeDispyJob({ ...job, args: EMPTY, kwargs: EMPTY, code: "" });
  return totalBytes(dumpChunks(bare));
}

const EMPTY = new Uint8Array(0);

/** A node's reply. */
export const RESULT_FORM: PayloadForm<JobReply> = {
  table: "result",
  kind: "result",
  encode: (reply) => encodeBareJobReply(reply),
  decode: (bytes) => withoutFieldLimits(() => decodeBareJobReply(bytes)),
  sizeOf: (reply) => {
    const { result, stdout, stderr, exception, extra } = reply;
    let bytes = result?.length ?? 0;
    let isPlain = extra === null;
    for (const text of [stdout, stderr, exception]) {
      if (typeof text === "string" || text instanceof Uint8Array) bytes += text.length;
      else if (text !== null) isPlain = false;
    }
    if (isPlain) return bytes;
    return totalBytes(encodeBareJobReply({ ...reply, result: null })) + (result?.length ?? 0);
  },
};

/** What of a computation may be large, and is needed only when a node is set up. */
export interface ComputationPayload {
  readonly compute: Compute;
  /** Arguments for the setup of nodes that do not stand in the node list itself. */
  readonly setupArgs: readonly PyTuple[];
}

/** The code of a computation, and large arguments for the setup of its nodes. */
export const COMPUTATION_FORM: PayloadForm<ComputationPayload> = {
  table: "cluster",
  kind: "computation",
  encode: ({ compute, setupArgs }) => {
    const encoded = encodeCompute(compute);
    // One pickle, in which what several nodes are given stands once.
    return dumpChunks(setupArgs.length === 0 ? encoded : new PyTuple([encoded, ...setupArgs]));
  },
  decode: (bytes) => withoutFieldLimits(() => decodeComputation(bytes)),
  decodeRow: (row) => COMPUTATION_FORM.decode(unpack<readonly [Uint8Array]>(row)[0]),
  sizeOf: ({ compute, setupArgs }) => {
    const rest = new PyTuple([encodeCompute({ ...compute, code: "" }), ...setupArgs]);
    return compute.code.length + totalBytes(dumpChunks(rest));
  },
};

function decodeComputation(bytes: Uint8Array): ComputationPayload {
  const value = decodePickle(bytes, "computation that was kept");
  if (!(value instanceof PyTuple)) return { compute: decodeCompute(value), setupArgs: [] };
  const [compute = null, ...setupArgs] = value.items;
  if (!setupArgs.every((each) => each instanceof PyTuple)) {
    throw new Error("arguments of a setup are no tuple");
  }
  return { compute: decodeCompute(compute), setupArgs };
}

/** What of a computation is in memory as long as it lasts: its name, its files, its client. */
export function headOf(compute: Compute): Compute {
  return { ...compute, code: "", setup: null, cleanup: false, extra: null };
}
