/**
 * Arguments and results on their way from one Python to another: what the receiver reads goes on
 * unopened, what it does not read is written anew for it.
 *
 * @module
 */

import {
  isForeign,
  PickleError,
  PYTHON3_PROTOCOL,
  type PyValue,
  readableBy,
} from "../pickle/mod.ts";
import type { TransferBudget, TransferShare } from "../net/transfer_budget.ts";
import { ComputeType, type DispyJob, type JobReply, PICKLED_NONE } from "../wire/mod.ts";

/** A receiver cannot have what a peer has sent for it: the message says what and why. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
}

/** From this protocol on, whatever values were read can be written. */
const ANY_VALUE_PROTOCOL = 4;

/** See the module's description. */
export class ForeignPayloads {
  /** @param budget Room for what is written anew. */
  constructor(private readonly budget: TransferBudget) {}

  /**
   * A place for what is written anew for one message, to be disposed of when that was sent.
   *
   * @param owner The client whose job it is of.
   */
  share(owner: string): TransferShare {
    return this.budget.share(owner);
  }

  /**
   * A job for a node whose Python reads `protocol`.
   *
   * @param room Place for what is written anew.
   * @throws {UnreadableError}
   */
  async job(job: DispyJob, protocol: number, room: TransferShare): Promise<DispyJob> {
    const known = job.extra === null || protocol >= ANY_VALUE_PROTOCOL
      ? job
      : { ...job, extra: null };
    const { args, kwargs } = known;
    if (!isForeign(protocol, args) && !isForeign(protocol, kwargs)) return known;
    await room.take(args.length + kwargs.length);
    return {
      ...known,
      args: rewritten(args, protocol, "its arguments", "node"),
      kwargs: rewritten(kwargs, protocol, "its keyword arguments", "node"),
    };
  }

  /**
   * A reply for a client whose Python reads `protocol`.
   *
   * @param type What its job was: programs print bytes, functions text.
   * @param room Place for what is written anew.
   * @throws {UnreadableError}
   */
  async reply(
    reply: JobReply,
    protocol: number,
    type: ComputeType,
    room: TransferShare,
  ): Promise<JobReply> {
    const known = protocol < PYTHON3_PROTOCOL ? withoutObjects(reply) : withPrinted(reply, type);
    const { result } = known;
    if (result === null || !isForeign(protocol, result)) return known;
    await room.take(result.length);
    return { ...known, result: rewritten(result, protocol, "its result", "client") };
  }

  /** The same of a job that goes on, of which the result is of no interest yet. */
  async replySoFar(
    reply: JobReply,
    protocol: number,
    type: ComputeType,
    room: TransferShare,
  ): Promise<JobReply> {
    try {
      return await this.reply(reply, protocol, type, room);
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      return await this.reply({ ...reply, result: PICKLED_NONE }, protocol, type, room);
    }
  }
}

function rewritten(
  pickle: Uint8Array,
  protocol: number,
  what: string,
  receiver: "client" | "node",
): Uint8Array {
  try {
    return readableBy(protocol, pickle);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new UnreadableError(
      `${what} cannot be written for the ${receiver}'s Python, which reads pickle protocol ` +
        `${protocol} at most: ${error.message}`,
    );
  }
}

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

/** What Python 2 has printed as Python 3 has it. */
function withPrinted(reply: JobReply, type: ComputeType): JobReply {
  const { stdout, stderr, exception } = reply;
  const asPrinted = type === ComputeType.Program ? asBytes : asText;
  const printed = { stdout: asPrinted(stdout), stderr: asPrinted(stderr) };
  const isSame = printed.stdout === stdout && printed.stderr === stderr;
  if (isSame && !(exception instanceof Uint8Array)) return reply;
  return { ...reply, ...printed, exception: asText(exception) };
}

function asText(value: PyValue): PyValue {
  return value instanceof Uint8Array ? DECODER.decode(value) : value;
}

function asBytes(value: PyValue): PyValue {
  return typeof value === "string" ? ENCODER.encode(value) : value;
}

/** Without what may be beyond Python 2: nodes put nothing but text there. */
function withoutObjects(reply: JobReply): JobReply {
  const { stdout, stderr, exception } = reply;
  return {
    ...reply,
    stdout: asPlain(stdout),
    stderr: asPlain(stderr),
    exception: asPlain(exception),
    extra: null,
  };
}

function asPlain(value: PyValue): PyValue {
  return typeof value === "string" || value instanceof Uint8Array ? value : null;
}
