/**
 * Messages to one client about one computation.
 *
 * Each goes over a connection of its own, many at a time, but never in an order that would
 * confuse the client: it hears of a node before it hears of that node's first job, and that a
 * job runs before it gets the job's result. A message counts as heard when the client has
 * closed the connection.
 *
 * @module
 */

import {
  type Delivery,
  type Job,
  type Node,
  onClusterAnnounced,
  onClusterLost,
  onDelivered,
  onDeliveryFailed,
  onDeliveryRefused,
  type Share,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import type { PyValue } from "../pickle/mod.ts";
import {
  type AvailInfo,
  encodeToClient,
  isAck,
  type JobReply,
  JobStatus,
  type MessageStream,
  NodeStatus,
  type NodeStatusMessage,
  PICKLED_NONE,
  type ToClientMessage,
} from "../wire/mod.ts";
import type { Computation } from "./computation.ts";
import { type Context, MAX_ANSWER_BYTES, nodeAuthOf } from "./context.ts";
import { messageOf } from "../log/error_message.ts";
import { UnreadableError } from "./foreign_payloads.ts";
import { KeptPayload, type Loan, LostPayloadError } from "./kept_payload.ts";
import { Lanes } from "../net/lanes.ts";

const log = getLogger("client");

/** Connections to a client at the same time; dispy's clients take them one after the other. */
const CONCURRENT_MESSAGES = 16;

/** Much can befall the jobs of a client at once; it is said once in this time. */
const WARNING_INTERVAL_MS = 60_000;

/** Results as large as that go to disk once their client was found to be away. */
const LARGE_BYTES = 64 * 1024;

/** See the module's description. */
export class ClientLink {
  readonly #lanes = new Lanes(CONCURRENT_MESSAGES);
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });
  /** By node address: the message that introduces it, while it is under way. */
  readonly #introductions = new Map<string, Promise<void>>();
  /** Nodes whose numbers the client is to be told, once it is their turn. */
  readonly #statsDue = new Set<Share>();
  /** By job uid: the message that it runs, while it is under way. */
  readonly #started = new Map<number, Promise<void>>();
  /** By job uid: the last provisional result, while it is under way. */
  readonly #provisional = new Map<number, Promise<void>>();

  constructor(private readonly context: Context, private readonly computation: Computation) {}

  /** Tells the client that its computation is scheduled. */
  async announce(): Promise<void> {
    const { engine, options } = this.context;
    const { cluster } = this.computation;
    try {
      const pulseIntervalS = engine.core.options.pulseIntervalMs === null
        ? null
        : engine.core.options.pulseIntervalMs / 1000;
      const scheduled = { kind: "SCHEDULED", computeId: cluster.id, pulseIntervalS } as const;
      const answer = await this.#ask(scheduled);
      if (!isAck(answer)) throw new Error("it does not know the computation");
      engine.post((core, nowMs) => onClusterAnnounced(core, cluster, nowMs));
    } catch (error) {
      log.warning("client cannot be told that its computation is scheduled; dropping it", {
        computation: cluster.name,
        client: this.#address,
        reason: messageOf(error),
        hint: `it must be reachable from here within ${options.msgTimeoutMs / 1000} s`,
      });
      engine.post((core, nowMs) => onClusterLost(core, cluster, nowMs));
    }
  }

  /** Tells the client that a job runs. */
  tellJobRunning(job: Job, node: Node): void {
    const message: ToClientMessage = {
      kind: "JOB_STATUS",
      uid: job.uid,
      hash: job.hash,
      status: JobStatus.Running,
      node: node.ipAddr,
      startTimeS: job.startTimeMs / 1000,
    };
    const introduced = this.#introductions.get(node.ipAddr);
    const told = introduced === undefined
      ? this.#tell(message.kind, () => message)
      : introduced.then(() => this.#tell(message.kind, () => message));
    this.#track(this.#started, job.uid, told);
  }

  /** Brings the client a result. */
  async deliver(delivery: Delivery): Promise<void> {
    const { engine } = this.context;
    const { uid } = delivery;
    const before = this.#provisional.get(uid) ?? this.#started.get(uid);
    const outcome = this.#tryDelivery(delivery, before);
    if (delivery.status === JobStatus.ProvisionalResult) {
      this.#track(this.#provisional, uid, outcome.then(() => {}));
    }
    const result = await outcome;
    if (!this.computation.cluster.wantsResults) return;
    if (result === "delivered") {
      log.debug("result delivered", { job: uid, client: this.#address });
      engine.post((core, nowMs) => onDelivered(core, delivery, nowMs));
    } else if (result === "failed") {
      await this.#makeRoom(delivery);
      engine.post((_core, nowMs) => onDeliveryFailed(delivery, nowMs));
    } else if (engine.post((core, nowMs) => onDeliveryRefused(core, delivery, nowMs))) {
      const message = "client does not know a job of its own; its result is dropped";
      this.#warnings.warning("unknown", message, { job: uid, client: this.#address });
    }
  }

  /** Tells the client of one of its nodes. */
  tellNodeStatus(share: Share, status: "initialized" | "stats" | "cpus" | "closed"): void {
    const { ipAddr } = share.node;
    if (status === "stats") return this.#tellStats(share);
    if (status === "cpus" && !this.computation.dialect.hearsCpus) return;
    const message = this.#nodeStatus(share, status);
    const introduced = this.#introductions.get(ipAddr);
    const told = introduced === undefined
      ? this.#tell(message.kind, () => message)
      : introduced.then(() => this.#tell(message.kind, () => message));
    if (status === "initialized") this.#track(this.#introductions, ipAddr, told);
  }

  /**
   * Tells the client the numbers of one of its nodes. While that waits for its turn nothing is to
   * be added: they are read then. A client that is stopped would have these messages pile up.
   */
  #tellStats(share: Share): void {
    if (this.#statsDue.has(share)) return;
    this.#statsDue.add(share);
    const introduced = this.#introductions.get(share.node.ipAddr) ?? Promise.resolve();
    void introduced.then(() =>
      this.#tell("NODE_STATUS", () => {
        this.#statsDue.delete(share);
        return this.#nodeStatus(share, "stats");
      })
    );
  }

  /** A connection to the client's own port. */
  connect(): Promise<MessageStream> {
    const { hostname, port } = this.computation.client;
    return this.context.clientTransport.connect(hostname, port);
  }

  get #address(): string {
    const { hostname, port } = this.computation.client;
    return `${hostname}:${port}`;
  }

  async #tryDelivery(
    delivery: Delivery,
    before: Promise<void> | undefined,
  ): Promise<"delivered" | "refused" | "failed"> {
    if (before !== undefined) await before;
    try {
      const answer = await this.#lanes.run(async () => {
        using loan = await this.lendReply(delivery);
        using stream = await this.connect();
        // A result that is on disk is read once the client is there.
        const message = { kind: "JOB_REPLY", reply: await loan.read() } as const;
        await stream.writeMessage(...encodeToClient(message, this.computation.dialect));
        return await stream.readMessage(MAX_ANSWER_BYTES);
      });
      return isAck(answer) ? "delivered" : answer.length === 0 ? "failed" : "refused";
    } catch (error) {
      if (isLost(error)) {
        log.error("a provisional result is lost", { job: delivery.uid, reason: error.message });
        // More follows for this job: the client does without this one.
        return "delivered";
      }
      const properties = {
        job: delivery.uid,
        client: this.#address,
        attempt: delivery.attempts,
        reason: messageOf(error),
      };
      log.debug("result not delivered yet", properties);
      // Said aloud once: further attempts and results follow, and the first failure tells it all.
      if (delivery.attempts === 1) {
        this.#warnings.warning("away", "result not delivered yet; it is kept", properties);
      }
      return "failed";
    }
  }

  /**
   * The reply that the client gets: the node's own, or one of ours for a job without one. To be
   * disposed of when it was sent.
   */
  async lendReply(delivery: Delivery): Promise<Loan<JobReply>> {
    const { payload } = delivery;
    const loan = payload instanceof KeptPayload
      ? await (payload as KeptPayload<JobReply>).lend()
      : null;
    const { context: { foreign }, computation: { compute, dialect, owner } } = this;
    const rewritten = foreign.share(owner);
    return {
      read: async () => {
        if (loan === null) return this.#reply(delivery, null);
        try {
          const reply = this.#reply(delivery, await loan.read());
          return await foreign.reply(reply, dialect.pickleProtocol, compute.type, rewritten);
        } catch (error) {
          const isFinal = delivery.status !== JobStatus.ProvisionalResult;
          if (!isLost(error) || !isFinal) throw error;
          return this.#lostReply(delivery, error);
        }
      },
      [Symbol.dispose]: () => {
        loan?.[Symbol.dispose]();
        rewritten[Symbol.dispose]();
      },
    };
  }

  /** A client is not left waiting for a result that no attempt can bring. */
  #lostReply(delivery: Delivery, error: LostPayloadError | UnreadableError): JobReply {
    const isHere = error instanceof UnreadableError;
    const what = isHere ? "a client's Python cannot read a result" : "a result is lost";
    const { message: reason } = error;
    this.#warnings.error(what, what, { job: delivery.uid, client: this.#address, reason });
    return {
      ...this.#reply(delivery, null),
      status: isHere ? JobStatus.Terminated : JobStatus.Abandoned,
      exception: `the job has run, but ${isHere ? "" : "its result is lost: "}${reason}`,
    };
  }

  #reply(delivery: Delivery, payload: JobReply | null): JobReply {
    const nodeIpAddr = delivery.nodeIpAddr ?? this.computation.schedulerIpAddr;
    const cpus = this.context.engine.core.nodes.get(nodeIpAddr)?.cpus ?? null;
    if (payload !== null) {
      // The node may have known the job by another mark.
      const exception = withReason(payload.exception, delivery.reason);
      return { ...payload, exception, hash: delivery.hash, cpus: cpus ?? payload.cpus };
    }
    const startTimeS = delivery.startTimeMs / 1000;
    return {
      uid: delivery.uid,
      hash: delivery.hash,
      ipAddr: nodeIpAddr,
      status: delivery.status as JobStatus,
      result: PICKLED_NONE,
      stdout: null,
      stderr: null,
      exception: delivery.reason,
      startTimeS,
      endTimeS: startTimeS,
      cpus,
      extra: null,
    };
  }

  #nodeStatus(
    share: Share,
    status: "initialized" | "stats" | "cpus" | "closed",
  ): NodeStatusMessage {
    const { node } = share;
    const { clientAuth } = this.computation;
    const base = {
      kind: "NODE_STATUS",
      computeId: share.cluster.id,
      auth: clientAuth,
      ipAddr: node.ipAddr,
    } as const;
    const { txBytes, rxBytes } = share;
    const availInfo = node.availInfo as AvailInfo | null;
    switch (status) {
      case "initialized":
        return {
          ...base,
          status: NodeStatus.Initialized,
          dispyNode: {
            ipAddr: node.ipAddr,
            name: node.name,
            cpus: Math.min(node.cpus, share.maxCpus),
            availCpus: node.availCpus,
            busy: share.busy,
            jobsDone: share.jobsDone,
            cpuTimeS: share.cpuTimeS,
            txBytes,
            rxBytes,
            updateTimeS: Date.now() / 1000,
            availInfo,
            extra: null,
          },
          nodeAuth: nodeAuthOf(this.context, node),
          nodePort: node.info.port,
        };
      case "stats":
        return { ...base, status: NodeStatus.AvailInfo, availInfo, txBytes, rxBytes };
      case "closed":
        return { ...base, status: NodeStatus.Closed, txBytes, rxBytes };
      case "cpus":
        return { ...base, status: "node_cpus", nodeCpus: Math.min(node.cpus, share.maxCpus) };
    }
  }

  /** A result of a client that is away takes no memory that others may need, if it is large. */
  async #makeRoom({ payload }: Delivery): Promise<void> {
    if (!(payload instanceof KeptPayload) || payload.item.sizeBytes < LARGE_BYTES) return;
    await this.context.payloads.moveOut(payload);
  }

  /** Sends a message and reads the answer. */
  #ask(message: ToClientMessage): Promise<Uint8Array> {
    return this.#lanes.run(async () => {
      using stream = await this.connect();
      await stream.writeMessage(...encodeToClient(message, this.computation.dialect));
      return await stream.readMessage(MAX_ANSWER_BYTES);
    });
  }

  /**
   * Sends a message that has no answer, and waits until the client has heard it. Never throws.
   *
   * @param messageNow Called once it is the message's turn.
   */
  async #tell(kind: ToClientMessage["kind"], messageNow: () => ToClientMessage): Promise<void> {
    // A client that has closed its computation throws such news away.
    if (!this.computation.cluster.wantsResults) return;
    try {
      await this.#lanes.run(async () => {
        const message = encodeToClient(messageNow(), this.computation.dialect);
        using stream = await this.connect();
        await stream.writeMessage(...message);
        await stream.waitForClose();
      });
    } catch (error) {
      log.debug("client not told", {
        message: kind,
        client: this.#address,
        reason: messageOf(error),
      });
    }
  }

  /** Remembers `promise` under `key` until it is done. */
  #track<K>(map: Map<K, Promise<void>>, key: K, promise: Promise<void>): void {
    const tracked = promise.finally(() => {
      if (map.get(key) === tracked) map.delete(key);
    });
    map.set(key, tracked);
  }
}

/** A traceback of a job that was to end, if there is one, with the reason as its last line. */
function withReason(exception: PyValue, reason: string | null): PyValue {
  if (reason === null) return exception;
  return typeof exception === "string" ? `${exception.trimEnd()}\n${reason}` : reason;
}

/** Whether no further attempt can bring the client its result. */
function isLost(error: unknown): error is LostPayloadError | UnreadableError {
  return error instanceof LostPayloadError || error instanceof UnreadableError;
}
