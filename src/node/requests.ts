/**
 * What schedulers and clients ask of a node: each request has a connection of its own, and begins
 * with the auth code of the node's secret.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { type Guest, MAX_STRANGER_WARNINGS } from "../net/admission.ts";
import {
  AUTH_LENGTH_BYTES,
  authMatches,
  type ClientRequest,
  decodeClientRequest,
  decodeDiscoveryBody,
  decodeToNode,
  encodeIntAnswer,
  encodePendingJobsAnswer,
  encodeRetrieveJobAnswer,
  encodeUidsAnswer,
  FILLER_AUTH,
  GREETING_LIMITS,
  isAck,
  limitsAt,
  MAX_GREETING_BYTES,
  type MessageStream,
  type NodeQueryRequest,
  type Ping,
  type RetrieveJobRequest,
} from "../wire/mod.ts";
import { splitTag } from "../wire/tags.ts";
import type { Computations } from "./computations.ts";
import { MAX_ANSWER_BYTES, type NodeContext, SECRET_WARNING_INTERVAL_MS } from "./context.ts";
import type { Discovery } from "./discovery.ts";
import { takeFile } from "./file_intake.ts";
import type { HeldComputation } from "./held_computations.ts";
import type { Jobs } from "./jobs.ts";
import type { KeptReplies } from "./kept_replies.ts";
import type { Replies } from "./replies.ts";

const log = getLogger("node");

/** Whether a request is for results that were not taken. */
function isRecallTag(tag: string): boolean {
  return tag === "PENDING_JOBS" || tag === "RETRIEVE_JOB";
}

/** Who answers which requests. */
export interface RequestParts {
  readonly computations: Computations;
  readonly jobs: Jobs;
  readonly discovery: Discovery;
  readonly replies: Replies;
  readonly kept: KeptReplies;
}

const REQUEST_LIMITS = limitsAt("toNode");

/** See the module's description. */
export class Requests {
  readonly #refusals = new RepeatLimiter(log, {
    intervalMs: SECRET_WARNING_INTERVAL_MS,
    maxPerInterval: MAX_STRANGER_WARNINGS,
  });

  constructor(private readonly context: NodeContext, private readonly parts: RequestParts) {}

  /** Serves one connection. */
  async serve(stream: MessageStream, guest: Guest): Promise<void> {
    const auth = await stream.readExactly(AUTH_LENGTH_BYTES);
    if (!this.#proves(auth)) return await this.#serveStranger(stream, auth);
    guest.proved();
    const message = await stream.readMessage(REQUEST_LIMITS);
    if (message.length === 0) return;
    const { tag, body } = splitTag(message);
    if (tag === "PING") return this.#greeted(decodePing(body), stream);
    if (isRecallTag(tag)) return await this.#recall(stream, decodeClientRequest(message));
    await this.#serveRequest(stream, message);
  }

  /** Whether `auth` proves the secret, as our schedulers do or as dispy's do. */
  #proves(auth: Uint8Array): boolean {
    const { auth: dispyAuth, options: { requireOwnAuth }, ownAuth } = this.context;
    return ownAuth.accepts(auth) || (!requireOwnAuth && authMatches(auth, dispyAuth));
  }

  /** Serves a datagram: greetings, which are for everybody, and signs of life. */
  serveDatagram(datagram: Uint8Array, from: string): void {
    const { tag, body } = splitTag(datagram);
    if (tag === "PING") void this.#answer(decodePing(body), from);
    else if (tag === "PULSE" && from === this.context.held.scheduler?.host) {
      this.context.held.touchAll();
    } else {
      log.debug("message has no place in a datagram", { message: tag, from });
    }
  }

  /** Who has not proved the secret may greet, and nothing else. */
  async #serveStranger(stream: MessageStream, auth: Uint8Array): Promise<void> {
    const message = await stream.readMessage(MAX_GREETING_BYTES);
    if (message.length === 0) return;
    const { tag, body } = splitTag(message);
    const { hostname: from } = stream.remoteAddr;
    if (tag === "PING") {
      // Only a scheduler that answers our own greeting proves its secret with it.
      if (!authMatches(auth, FILLER_AUTH)) {
        this.#refusals.warning(
          `scheduler ${from}`,
          "a scheduler has another secret, and will not use this node; give both the same " +
            "(--secret_file here, --node_secret_file there)",
          { from },
        );
      }
      return this.#greeted(decodePing(body), stream);
    }
    this.#refusals.warning(
      from,
      "request refused: its sender has another secret, or knows an " +
        "earlier run of this node",
      { from, request: tag },
    );
  }

  #greeted(ping: Ping | undefined, stream: MessageStream): void {
    const { hostname: from } = stream.remoteAddr;
    stream.close();
    void this.#answer(ping, from);
  }

  async #answer(ping: Ping | undefined, from: string): Promise<void> {
    // Nodes greet schedulers, and may hit us where ports coincide.
    if (ping === undefined || ping.from === "node") return;
    await this.parts.discovery.answer(ping, from);
  }

  async #serveRequest(stream: MessageStream, message: Uint8Array): Promise<void> {
    const request = decodeToNode(message);
    const { computations, jobs } = this.parts;
    switch (request.kind) {
      case "COMPUTE":
        return await computations.take(stream, request);
      case "SETUP":
        return await computations.setUp(stream, request);
      case "FILEXFER":
        return await takeFile(this.context, stream, request.file);
      case "JOB":
        await computations.setUpForJob(request.job.computeId);
        await jobs.take(stream, request.job);
        return this.parts.replies.resendSoon();
      case "TERMINATE_JOB":
        if (request.job.uid !== null) jobs.terminate(request.job.uid, request.job.computeId);
        return;
      case "CLOSE":
        return await computations.close(stream, request);
      case "JOBS": {
        const computation = this.#authorized(request);
        return await stream.writeMessage(encodeUidsAnswer([...computation?.jobs.keys() ?? []]));
      }
      case "RESEND_JOB_RESULTS":
        return await this.#resend(stream, request);
    }
  }

  async #resend(stream: MessageStream, request: NodeQueryRequest): Promise<void> {
    const { computeId, auth } = request;
    const running = this.#authorized(request)?.jobs.size ?? 0;
    const kept = this.parts.kept.of(computeId, auth).length;
    await stream.writeMessage(encodeIntAnswer(kept + running));
    stream.close();
    await this.parts.replies.resend(computeId, auth);
  }

  /** dispy's own JobCluster asks as clients ask a scheduler. */
  async #recall(stream: MessageStream, request: ClientRequest): Promise<void> {
    if (request.kind === "RETRIEVE_JOB") return await this.#retrieve(stream, request);
    if (request.kind !== "PENDING_JOBS") return;
    const { computeId, auth } = request;
    const doneUids = this.parts.kept.of(computeId, auth).map(({ uid }) => uid);
    const pending = this.#authorized(request)?.jobs.size ?? 0;
    await stream.writeMessage(encodePendingJobsAnswer({ doneUids, pending }));
  }

  async #retrieve(stream: MessageStream, request: RetrieveJobRequest): Promise<void> {
    const { kept } = this.parts;
    const found = kept.of(request.computeId, request.auth).find(({ uid }) => uid === request.uid);
    const reply = found === undefined ? null : await kept.read(found);
    const isIts = reply?.hash === request.hash;
    await stream.writeMessage(...encodeRetrieveJobAnswer(isIts ? reply : null));
    if (found === undefined || !isIts) return;
    if (isAck(await stream.readMessage(MAX_ANSWER_BYTES))) await kept.remove(found);
  }

  /** The computation, where its scheduler asks. */
  #authorized(
    { computeId, auth }: { readonly computeId: number; readonly auth: string },
  ): HeldComputation | undefined {
    const computation = this.context.held.get(computeId);
    if (computation?.compute.auth !== auth) return undefined;
    computation.touch();
    return computation;
  }
}

function decodePing(body: Uint8Array): Ping | undefined {
  const ping = decodeDiscoveryBody("PING", body, GREETING_LIMITS);
  return ping?.kind === "PING" ? ping : undefined;
}
