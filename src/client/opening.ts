/**
 * How a computation comes to the scheduler: first itself, then its files, then the word to begin.
 *
 * @module
 */

import {
  ANOTHER_SECRET,
  type Compute,
  type ComputeRef,
  decodeClientComputeAnswer,
  isAck,
  newSign,
  SIGN_RANDOM_BYTES,
  type XferFile,
} from "../wire/mod.ts";
import { HIGHEST_PROTOCOL, PyTuple } from "../pickle/mod.ts";
import type { ComputationBase } from "./computation.ts";
import { ComputationRefusedError, WrongSecretError } from "./errors.ts";
import { describeFile, sendContent } from "./files.ts";
import { allocSpec, type WantedNode } from "./nodes.ts";
import type { SchedulerLink } from "./scheduler_link.ts";

/** A computation, and how it is to be run. */
export interface ComputationRequest {
  readonly computation: ComputationBase<unknown>;
  readonly nodes: readonly WantedNode[];
  readonly reentrant: boolean;
  readonly exclusive: boolean;
  readonly destPath: string | null;
  /** Where we are reached. */
  readonly replyHost: string;
  readonly replyPort: number;
}

/**
 * Registers a computation and sends its files.
 *
 * @throws {WrongSecretError}
 * @throws {ComputationRefusedError}
 * @throws {FileTransferError}
 * @throws {SchedulerUnreachableError}
 */
export async function register(
  link: SchedulerLink,
  request: ComputationRequest,
): Promise<ComputeRef> {
  const { computation, nodes, exclusive } = request;
  const files = await Promise.all(computation.depends.map((file) => describeFile(file, null)));
  const compute = {
    kind: "COMPUTE",
    compute: computeOf(request, files),
    nodeAllocs: nodes.map((node) => allocSpec(node, computation)),
    exclusive,
    pickleProtocol: HIGHEST_PROTOCOL,
  } as const;
  const answer = await link.askFor(
    compute,
    (message) => message.length === 0 ? null : decodeClientComputeAnswer(message),
  );
  // A scheduler of dispy's ends the connection, ours says why.
  if (answer === null || (answer.kind === "refused" && answer.reason === ANOTHER_SECRET)) {
    throw new WrongSecretError(
      `the scheduler at ${link.address.host} refuses our first request: ` +
        "is `clusterSecret` what its option --cluster_secret says?",
    );
  }
  if (answer.kind === "refused") {
    throw new ComputationRefusedError(
      `the scheduler refuses the computation ${computation.name}: ${answer.reason}`,
    );
  }
  const { computeId, auth } = answer;
  for (const file of [...files, ...nodes.flatMap(({ depends }) => depends)]) {
    const named = { ...file, computeId };
    const send = { kind: "FILEXFER", file: named } as const;
    await link.request(send, (stream) => sendContent(stream, named));
  }
  return { computeId, auth };
}

/**
 * Has the scheduler begin. It says `SCHEDULED:` when the computation's turn has come.
 *
 * @throws {ComputationRefusedError}
 */
export async function schedule(link: SchedulerLink, ref: ComputeRef): Promise<void> {
  if (isAck(await link.ask({ kind: "SCHEDULE", ...ref }))) return;
  throw new ComputationRefusedError(
    "the scheduler does not schedule the computation: it is shutting down, or lacks a file",
  );
}

function computeOf(request: ComputationRequest, files: readonly XferFile[]): Compute {
  const { computation, nodes, replyHost, replyPort } = request;
  return {
    type: computation.type,
    name: computation.name,
    id: null,
    code: computation.code,
    destPath: request.destPath,
    xferFiles: files,
    reentrant: request.reentrant,
    exclusive: request.exclusive,
    setup: computation.setup,
    cleanup: computation.cleanup,
    setupArgsCount: Math.max(0, ...nodes.map(({ setupArgs }) => setupArgs.length)),
    schedulerIpAddr: replyHost,
    schedulerPort: replyPort,
    nodeIpAddr: null,
    auth: newSign(crypto.getRandomValues(new Uint8Array(SIGN_RANDOM_BYTES))),
    jobResultPort: replyPort,
    pulseIntervalS: null,
    clientReplyAddr: new PyTuple([replyHost, BigInt(replyPort)]),
    extra: null,
  };
}
