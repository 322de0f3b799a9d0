/**
 * Requests of clients at the client port: computations, files, jobs.
 *
 * @module
 */

import {
  type Cluster,
  onClientAlive,
  onClusterClosed,
  onJobCancelled,
  onJobOffered,
  onJobSubmitted,
  onJobWithdrawn,
  onResendRequested,
  onScheduleHeard,
  onScheduleRequested,
  refusesJob,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import {
  ACK,
  ANOTHER_SECRET,
  AUTH_LENGTH_BYTES,
  authMatches,
  type ClientGreeting,
  type ClientJobRequest,
  type ClientPulse,
  type ClientRequest,
  type ComputeRef,
  decodeClientRequest,
  type DispyJob,
  encodeClientAnswer,
  encodeCpusAnswer,
  encodeIntAnswer,
  encodeUidsAnswer,
  GREETING_LIMITS,
  isAck,
  limitsAt,
  MAX_GREETING_BYTES,
  type MessageLimit,
  type MessageRoom,
  type MessageStream,
  NAK,
  type NodeJobsRequest,
  picklesReadBy,
  tagOf,
  TooLargeError,
  WireError,
} from "../wire/mod.ts";
import { CONTROL_TAG } from "../wire/control.ts";
import { StoreError } from "../store/file_store.ts";
import { type Guest, MAX_STRANGER_WARNINGS } from "../net/admission.ts";
import type { ComputationIntake } from "./computation_intake.ts";
import type { Computation } from "./computation.ts";
import { type Context, MAX_ANSWER_BYTES, SECRET_WARNING_INTERVAL_MS } from "./context.ts";
import type { ControlSide } from "./control_side.ts";
import { messageOf } from "../log/error_message.ts";
import type { Discovery } from "./discovery.ts";
import { descriptionRefusal } from "./description_limit.ts";
import type { FileIntake } from "./file_intake.ts";
import type { ClientFile } from "./file_set.ts";
import type { JobPayload } from "./job_payload.ts";
import type { ClientReleases } from "./dialects.ts";
import { encodeJobRefusal } from "./job_refusal.ts";
import type { KeptPayload } from "./kept_payload.ts";
import type { NodeControl } from "./node_control.ts";
import type { NodeLink } from "./node_link.ts";
import type { PortFamily } from "../net/port_family.ts";
import { JOB_FORM } from "./payload_forms.ts";
import { refuseRequest } from "./request_refusal.ts";
import type { ResultRecall } from "./result_recall.ts";

const log = getLogger("clientside");

/** The parts of the server that serve some of the requests. */
export interface ClientSideParts {
  readonly discovery: Discovery;
  readonly nodeLink: NodeLink;
  readonly computationIntake: ComputationIntake;
  readonly fileIntake: FileIntake;
  readonly nodeControl: NodeControl;
  readonly resultRecall: ResultRecall;
  readonly controlSide: ControlSide;
  readonly releases: ClientReleases;
}

const REQUEST_LIMITS = limitsAt("fromClient");

/** A request of a client that is too long is read to its end if it is no longer than that. */
const MAX_SKIPPED_BYTES = 64 * 1024 * 1024;

/** The same of strangers. */
const MAX_STRANGER_BYTES = 1024 * 1024;

/** Strangers may greet; of what is longer only the tag is looked at. */
const STRANGER_LIMITS: MessageLimit = { ...REQUEST_LIMITS, maxBytes: () => MAX_GREETING_BYTES };

/** The tag of the only message that nobody needs a secret for. */
const GREETING = "CLIENT";

/** See the module's description. */
export class ClientSide {
  readonly #refusals = new RepeatLimiter(log, {
    intervalMs: SECRET_WARNING_INTERVAL_MS,
    maxPerInterval: MAX_STRANGER_WARNINGS,
  });

  constructor(private readonly context: Context, private readonly parts: ClientSideParts) {}

  /** Serves one connection to the client port of `family`. */
  async serve(stream: MessageStream, family: PortFamily, guest: Guest): Promise<void> {
    const auth = await stream.readExactly(AUTH_LENGTH_BYTES);
    if (!authMatches(auth, this.context.clusterAuth)) {
      await this.#serveStranger(stream, family);
      return;
    }
    guest.proved();
    using room = this.context.receiving.clients.share(stream.remoteAddr.hostname);
    const message = await this.#read(stream, REQUEST_LIMITS, MAX_SKIPPED_BYTES, room);
    if (message.length === 0) return;
    const tag = tagOf(message);
    if (tag === CONTROL_TAG) return await this.parts.controlSide.serve(stream, message);
    let request: ClientRequest;
    try {
      request = decodeClientRequest(message);
      if (request.kind === "COMPUTE") {
        request = { pickleProtocol: picklesReadBy(message), ...request };
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      await refuseRequest(stream, tag, `the request cannot be read: ${error.message}`);
      throw error;
    }
    await this.#serveClient(stream, request, message.length, family);
  }

  /** Reads a request, or refuses one that is too long. */
  async #read(
    stream: MessageStream,
    limits: MessageLimit,
    maxSkippedBytes: number,
    room?: MessageRoom,
  ): Promise<Uint8Array> {
    try {
      return await stream.readMessage(limits, room);
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error;
      // A client hears an answer only when it has sent all of its request.
      if (error.lengthBytes <= maxSkippedBytes) {
        await stream.skip(error.lengthBytes);
        await refuseRequest(stream, error.tag, error.message);
      }
      throw error;
    }
  }

  /** Somebody who has not proved the cluster secret may only greet. */
  async #serveStranger(stream: MessageStream, family: PortFamily): Promise<void> {
    const message = await this.#readOfStranger(stream);
    if (message.length === 0) return;
    const tag = tagOf(message);
    if (tag !== GREETING) return await this.#refuseStranger(stream, tag);
    const request = decodeClientRequest(message, GREETING_LIMITS);
    if (request.kind === GREETING) await this.#greeting(stream, request, family);
  }

  async #readOfStranger(stream: MessageStream): Promise<Uint8Array> {
    try {
      return await stream.readMessage(STRANGER_LIMITS);
    } catch (error) {
      const isSkipped = error instanceof TooLargeError && error.lengthBytes <= MAX_STRANGER_BYTES;
      if (!isSkipped) throw error;
      await stream.skip(error.lengthBytes);
      await this.#refuseStranger(stream, error.tag);
      throw error;
    }
  }

  async #refuseStranger(stream: MessageStream, tag: string): Promise<void> {
    const { hostname: from } = stream.remoteAddr;
    this.#refusals.warning(from, "client has another cluster secret; refused", {
      from,
      request: tag,
    });
    await refuseRequest(stream, tag, ANOTHER_SECRET);
  }

  /** @param sizeBytes How long the request is. */
  async #serveClient(
    stream: MessageStream,
    request: ClientRequest,
    sizeBytes: number,
    family: PortFamily,
  ): Promise<void> {
    const { engine } = this.context;
    switch (request.kind) {
      case "CLIENT":
        return await this.#greeting(stream, request, family);
      case "COMPUTE":
        return await this.parts.computationIntake.take(stream, request, sizeBytes);
      case "FILEXFER":
        return await this.parts.fileIntake.take(stream, request.file, sizeBytes);
      case "SCHEDULE":
        return await this.#schedule(stream, request);
      case "JOB":
        return await this.#job(stream, request, sizeBytes);
      case "SENDFILE":
        return await this.parts.nodeControl.sendFile(stream, request);
      case "PULSE":
        return this.#pulse(request, stream.remoteAddr.hostname);
      case "NODE_JOBS":
        return await this.#nodeJobs(stream, request);
      case "PENDING_JOBS":
      case "RETRIEVE_JOB":
        return await this.parts.resultRecall.serve(stream, request, this.#find(request));
      case "ALLOCATE_NODE":
      case "DEALLOCATE_NODE":
      case "CLOSE_NODE":
      case "SET_NODE_CPUS": {
        const computation = this.#find(request);
        const status = this.parts.nodeControl.change(request, computation);
        await engine.committed();
        if (request.kind !== "SET_NODE_CPUS") {
          return await stream.writeMessage(encodeIntAnswer(status));
        }
        const node = status === 0 ? this.parts.nodeControl.find(request.node) ?? null : null;
        return await stream.writeMessage(encodeCpusAnswer(node, computation?.dialect));
      }
      case "RESEND_JOB_RESULTS": {
        const computation = this.#find(request);
        const count = computation === undefined ? 0 : engine.post((core, nowMs) => {
          const { cluster } = computation;
          return onResendRequested(core, cluster, nowMs) + cluster.jobs.size;
        });
        await engine.committed();
        return await stream.writeMessage(encodeIntAnswer(count));
      }
      case "TERMINATE_JOB": {
        const cluster = this.#find(request)?.cluster;
        if (cluster === undefined) return;
        const { uid } = request;
        const known = engine.post((core, nowMs) => onJobCancelled(core, cluster, uid, nowMs));
        log.debug(known ? "job cancelled by its client" : "cancelled job is over", { job: uid });
        return;
      }
      case "CLOSE": {
        const computation = this.#find(request);
        if (computation === undefined) return;
        const { cluster } = computation;
        log.info("computation closed by its client", { computation: cluster.name });
        engine.post((core, nowMs) =>
          onClusterClosed(core, cluster, request.terminatePending, nowMs)
        );
      }
    }
  }

  #find({ computeId, auth }: ComputeRef): Computation | undefined {
    const computation = this.context.computations.find(computeId, auth);
    if (computation === undefined) {
      log.debug("request for an unknown computation", { computation: computeId });
    }
    return computation;
  }

  async #greeting(
    stream: MessageStream,
    greeting: ClientGreeting,
    family: PortFamily,
  ): Promise<void> {
    await stream.writeMessage(encodeClientAnswer({
      ipAddr: greeting.ipAddr || stream.remoteAddr.hostname,
      port: family.clientSide,
      sign: this.context.sign,
      version: greeting.version,
    }));
    this.parts.releases.note(stream.remoteAddr.hostname, greeting.version);
    this.parts.discovery.onVersion(greeting.version);
  }

  async #schedule(stream: MessageStream, request: ComputeRef): Promise<void> {
    const computation = this.#find(request);
    const missing = computation === undefined
      ? "it is not known"
      : this.context.engine.core.shuttingDown
      ? "the scheduler is shutting down"
      : this.parts.computationIntake.missingFile(computation);
    if (computation === undefined || missing !== null) {
      log.warning("computation not scheduled", { computation: request.computeId, reason: missing });
      await stream.writeMessage(NAK);
      return;
    }
    const { engine } = this.context;
    engine.post((core) => onScheduleHeard(core, computation.cluster));
    await engine.committed();
    // The client waits for SCHEDULED only after this answer.
    await stream.writeMessage(ACK);
    log.debug("computation waits for its turn", { computation: computation.cluster.name });
    engine.post((core, nowMs) => onScheduleRequested(core, computation.cluster, nowMs));
  }

  async #job(
    stream: MessageStream,
    { job: record, node, auth }: ClientJobRequest,
    requestBytes: number,
  ): Promise<void> {
    const { engine, quotas, payloads } = this.context;
    const computation = this.#find({ computeId: record.computeId, auth });
    if (computation === undefined) {
      return await stream.writeMessage(encodeJobRefusal("its computation is not known"));
    }
    const { cluster } = computation;
    const pinnedTo = node === null ? null : this.parts.nodeControl.resolve(node) ?? node;
    const files = record.xferFiles.map((xfer) => computation.files.find(xfer));
    const sizeBytes = record.args.length + record.kwargs.length;
    const { client: { hostname: client }, owner } = computation;
    const refusal = files.includes(undefined)
      ? `a file of the job was not sent${computation.files.refusal}`
      : refusesJob(engine.core, cluster, pinnedTo) ??
        quotas.refusal(client, sizeBytes, computation.terms) ??
        payloads.budget.jobRefusal(owner, JOB_FORM.sizeOf(record)) ??
        descriptionRefusal(requestBytes - sizeBytes - record.code.length) ??
        engine.cannotKeep(0);
    if (refusal !== null) return await this.#refuseJob(stream, cluster, refusal);
    const uid = engine.core.newId();
    computation.files.claim(files as ClientFile[]);
    quotas.add(client, sizeBytes);
    let kept: KeptPayload<DispyJob>;
    try {
      kept = await payloads.keep(JOB_FORM, { ...record, uid }, owner);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      quotas.remove(client, sizeBytes);
      await computation.files.release(files as ClientFile[], Date.now());
      return await this.#refuseJob(
        stream,
        cluster,
        `the scheduler could not keep it: ${error.message}`,
      );
    }
    const gone = refusesJob(engine.core, cluster, pinnedTo);
    if (gone !== null) {
      // Its cluster or node has gone meanwhile: an offer of a forgotten cluster's would be kept.
      quotas.remove(client, sizeBytes);
      await kept.drop();
      await computation.files.release(files as ClientFile[], Date.now());
      return await this.#refuseJob(stream, cluster, gone);
    }
    const payload: JobPayload = { kept, files: files as ClientFile[], client, sizeBytes };
    const job = engine.post((core, nowMs) =>
      onJobOffered(core, cluster, { uid, hash: record.hash, pinnedTo, payload }, nowMs)
    );
    await engine.committed();
    const unkept = engine.cannotKeep(0);
    if (unkept !== null) {
      engine.post((core) => onJobWithdrawn(core, job));
      return await this.#refuseJob(stream, cluster, unkept);
    }
    payloads.committed(kept, uid);
    if (await this.#isTaken(stream, uid)) {
      log.debug("job submitted", { job: uid, computation: cluster.name, pinnedTo });
      engine.post((core, nowMs) => onJobSubmitted(core, job, nowMs));
    } else {
      engine.post((core) => onJobWithdrawn(core, job));
    }
  }

  async #refuseJob(stream: MessageStream, cluster: Cluster, reason: string): Promise<void> {
    const pickleProtocol = this.context.computations.get(cluster.id)?.dialect.pickleProtocol;
    const fields = { computation: cluster.name, reason };
    this.#refusals.warning(`job ${cluster.id}`, "job refused", fields);
    await stream.writeMessage(encodeJobRefusal(reason, pickleProtocol));
  }

  /**
   * Tells a client its job's uid. To the client the job counts from when it has read the uid, so
   * only where it says so itself, or cannot have read it, it does not count. Where the connection
   * fails in between it counts: a client that does not know the job will not take its result.
   */
  async #isTaken(stream: MessageStream, uid: number): Promise<boolean> {
    try {
      await stream.writeMessage(encodeIntAnswer(uid));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      log.debug("client went away before it heard its job's uid", { job: uid });
      return false;
    }
    try {
      return isAck(await stream.readMessage(MAX_ANSWER_BYTES));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      log.debug("client has not confirmed its job; the job counts", {
        job: uid,
        reason: error.message,
      });
      return true;
    }
  }

  /** A client up to 4.6 is alive: others say so over a connection, with proof of the secret. */
  pulseDatagram({ clientPort }: ClientPulse, from: string): void {
    this.context.engine.post((core, nowMs) => {
      for (const { client, cluster, dialect } of this.context.computations) {
        const isIts = dialect.pulses === "datagram" && client.hostname === from;
        if (isIts && client.port === clientPort) onClientAlive(core, cluster, nowMs);
      }
    });
  }

  #pulse({ clientIpAddr, clientPort }: ClientPulse, from: string): void {
    this.context.engine.post((core, nowMs) => {
      for (const { client, cluster } of this.context.computations) {
        const same = client.hostname === clientIpAddr || client.hostname === from;
        if (same && client.port === clientPort) onClientAlive(core, cluster, nowMs);
      }
    });
  }

  async #nodeJobs(stream: MessageStream, request: NodeJobsRequest): Promise<void> {
    const cluster = this.#find(request)?.cluster;
    const ipAddr = this.parts.nodeControl.resolve(request.node);
    const share = ipAddr === undefined ? undefined : cluster?.shares.get(ipAddr);
    let uids: number[] = [];
    if (share !== undefined) {
      uids = [...share.node.jobs].filter((job) => job.share === share).map(({ uid }) => uid);
      if (request.fromNode) {
        try {
          uids = await this.parts.nodeLink.jobsAt(share);
        } catch (error) {
          uids = [];
          log.warning("node does not tell which jobs it runs", {
            node: share.node.ipAddr,
            reason: messageOf(error),
          });
        }
      }
    }
    await stream.writeMessage(encodeUidsAnswer(uids));
  }
}
