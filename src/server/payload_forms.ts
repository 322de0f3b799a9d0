/**
 * How arguments and results are written down where they are kept.
 *
 * @module
 */

import { dumpChunks } from "../pickle/mod.ts";
import {
  decodeBareJobReply,
  decodeDispyJob,
  decodePickle,
  type DispyJob,
  encodeBareJobReply,
  encodeDispyJob,
  type JobReply,
  withoutFieldLimits,
} from "../wire/mod.ts";
import type { PayloadForm } from "./kept_payload.ts";

/** A job as its client sent it, with the uid that it was given. */
export const JOB_FORM: PayloadForm<DispyJob> = {
  table: "job",
  isResult: false,
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
  return dumpChunks(bare).reduce((sum, chunk) => sum + chunk.length, 0);
}

const EMPTY = new Uint8Array(0);

/** A node's reply. */
export const RESULT_FORM: PayloadForm<JobReply> = {
  table: "result",
  isResult: true,
  encode: (reply) => encodeBareJobReply(reply),
  decode: (bytes) => withoutFieldLimits(() => decodeBareJobReply(bytes)),
  sizeOf: ({ result, stdout, stderr, exception }) => {
    let bytes = result?.length ?? 0;
    for (const text of [stdout, stderr, exception]) {
      if (typeof text === "string" || text instanceof Uint8Array) bytes += text.length;
    }
    return bytes;
  },
};
