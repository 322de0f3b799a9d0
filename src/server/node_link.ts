/**
 * Requests to nodes: set up a computation, run a job, end a job, close a computation.
 *
 * @module
 */

import {
  type Job,
  type JobRefusal,
  type Node,
  onJobRefused,
  onJobStarted,
  onShareClosed,
  onShareFailed,
  onShareReady,
  type Share,
} from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { delay } from "@std/async/delay.js";
import {
  ACK,
  type Compute,
  type ComputeAnswer,
  ComputeType,
  decodeAckAnswer,
  decodeComputeAnswer,
  decodeIntAnswer,
  decodeJobAnswer,
  decodeRetrieveJobAnswer,
  decodeUidsAnswer,
  type DispyJob,
  encodeClientRequest,
  encodeToNode,
  hasSetupCall,
  type JobAnswer,
  MAX_MESSAGE_BYTES,
  type MessageStream,
  type NodeCloseRequest,
  programToRepeat,
  type ToNodeRequest,
  WireError,
} from "../wire/mod.ts";
import { runsTypeScript } from "../wire/typescript_jobs.ts";
import type { Computation } from "./computation.ts";
import { type Context, MAX_ANSWER_BYTES, nodeAuthOf } from "./context.ts";
import { dialectOfNode, haveSamePickles } from "./dialects.ts";
import { messageOf } from "../log/error_message.ts";
import type { JobPayload } from "./job_payload.ts";
import { UnreadableError } from "./foreign_payloads.ts";
import { type Loan, LostPayloadError } from "./kept_payload.ts";
import type { ComputationPayload } from "./payload_forms.ts";
import type { SetupSpec } from "./persistence.ts";
import { LongAnswers } from "./long_answers.ts";
import type { ResultIntake } from "./result_intake.ts";
import { NodeFiles } from "./node_files.ts";
import { LostFile, Refusal } from "./node_refusal.ts";
import { NodeRequests } from "./node_requests.ts";
import { guardedCode } from "./start_guard.ts";

const log = getLogger("node");

/** How long a result may take from a node that was just asked about the job. */
const RESULT_WAIT_MS = 1_000;

/** What is wrong with one job may be wrong with each. */
const WARNING_INTERVAL_MS = 60_000;

/** See the module's description. */
export class NodeLink {
  /** By node and computation: what is being closed at a node that was given up. */
  readonly #abandonments = new Map<string, Promise<void>>();

  readonly #requests: NodeRequests;
  readonly #files: NodeFiles;
  readonly #longAnswers: LongAnswers;
  readonly #warnings = new RepeatLimiter(log, { intervalMs: WARNING_INTERVAL_MS });

  /** @param checkMs How often nodes are looked after that take long to answer. */
  constructor(
    private readonly context: Context,
    private readonly resultIntake: ResultIntake,
    checkMs?: number,
  ) {
    this.#requests = new NodeRequests(context);
    this.#files = new NodeFiles(context, this.#requests);
    this.#longAnswers = new LongAnswers(context.engine.core, checkMs);
  }

  /** Waits no longer for nodes that take long to answer: the scheduler ends. */
  giveUp(): void {
    this.#longAnswers.giveUp();
  }

  /** Sends a computation, its files, and has its `setup` run. */
  async setUp(share: Share): Promise<void> {
    const { engine } = this.context;
    const { cluster, node } = share;
    const computation = this.context.computations.of(cluster);
    let accepted = false;
    // The node has been found again meanwhile: the close must not reach it after what follows.
    await this.#abandonments.get(keyOf(node, cluster.id))?.catch(() => {});
    try {
      const { cpus, wantsSetup } = await this.#sendComputation(share, computation);
      accepted = true;
      const { depends } = share.allocation.setup as SetupSpec;
      for (const xfer of [...computation.compute.xferFiles, ...depends]) {
        await this.#files.send(share, computation, xfer);
      }
      const program = programToRepeat(computation.compute);
      if (program !== null) await this.#files.send(share, computation, program, ".");
      if (wantsSetup) {
        const answer = await this.#sendSetup(share, computation);
        const done = decodeAckAnswer(answer);
        if (done.kind === "refused") throw new Refusal("setup_failed", done.reason);
      }
      log.info("node set up", { node: node.ipAddr, computation: cluster.name, cpus });
      engine.post((core, nowMs) => onShareReady(core, share, cpus, nowMs));
    } catch (error) {
      const failure = error instanceof Refusal ? error.failure : "unreachable";
      const reason = messageOf(error);
      log.warning("node not set up", {
        node: node.ipAddr,
        computation: cluster.name,
        reason,
        retry: failure !== "setup_failed",
      });
      if (accepted) {
        await this.#close(share, true).catch((error) => this.#closeFailed(share, error));
      }
      engine.post((core, nowMs) => onShareFailed(core, share, failure, reason, nowMs));
    }
  }

  /** Sends a job's files and the job. */
  async run(job: Job, share: Share): Promise<void> {
    const { engine } = this.context;
    const refusal = await this.#tryRun(job, share);
    if (refusal === null) {
      log.debug("job started", { job: job.uid, node: share.node.ipAddr });
      engine.post((core, nowMs) => onJobStarted(core, job, share, nowMs));
      return;
    }
    if (refusal.kind === "damaged") {
      this.#warnings.warning("damaged", "a job cannot be run", {
        ...{ job: job.uid, computation: job.cluster.name, reason: refusal.reason },
      });
    }
    log.debug("job not started", { job: job.uid, node: share.node.ipAddr, ...refusal });
    engine.post((core, nowMs) => onJobRefused(core, job, share, refusal, nowMs));
  }

  /** Tells a node to end a job. */
  terminate(job: Job, node: Node): Promise<void> {
    return this.#terminate(node, job.uid, job.cluster.id);
  }

  /** Has a node close a computation, however long its jobs take. */
  async close(share: Share, terminatePending: boolean): Promise<void> {
    try {
      await this.#close(share, terminatePending);
      log.debug("node closed", { node: share.node.ipAddr, computation: share.cluster.name });
    } catch (error) {
      this.#closeFailed(share, error);
    }
    this.context.engine.post((core, nowMs) => onShareClosed(core, share, nowMs));
  }

  /**
   * Has a node that was given up, and may live and not know, close a computation.
   *
   * @throws where it cannot be reached
   */
  async abandon(node: Node, computeId: number, nodeAuth: string): Promise<void> {
    const key = keyOf(node, computeId);
    const abandonment = this.#abandon(node, computeId, nodeAuth);
    this.#abandonments.set(key, abandonment);
    try {
      await abandonment;
    } finally {
      if (this.#abandonments.get(key) === abandonment) this.#abandonments.delete(key);
    }
  }

  async #abandon(node: Node, computeId: number, nodeAuth: string): Promise<void> {
    const request: ToNodeRequest = {
      kind: "CLOSE",
      computeId,
      auth: nodeAuth,
      nodeIpAddr: node.ipAddr,
      terminatePending: true,
      close: true,
    };
    using stream = await this.connect(node);
    await stream.writeRequest(
      nodeAuthOf(this.context, node),
      ...encodeToNode(request, dialectOfNode(node)),
    );
    await stream.readMessage(MAX_ANSWER_BYTES);
  }

  /** The uids of the jobs of a computation that run at a node, as it says itself. */
  async jobsAt(share: Share): Promise<number[]> {
    const { nodeAuth } = this.context.computations.of(share.cluster);
    if (!dialectOfNode(share.node).tellsJobs) return await this.#supposedJobsAt(share);
    const answer = await this.#requests.ask(share.node, {
      kind: "JOBS",
      computeId: share.cluster.id,
      auth: nodeAuth,
    }, { share });
    return decodeUidsAnswer(answer, "answer to JOBS");
  }

  /**
   * Nodes up to 4.6 tell only how many jobs of a computation they run or hold the results of. Where
   * there are none, none of ours runs; else those that we know of are taken to run.
   */
  async #supposedJobsAt(share: Share): Promise<number[]> {
    const count = await this.resendResults(share);
    if (count === 0) return [];
    return [...share.node.jobs].filter((job) => job.share === share).map(({ uid }) => uid);
  }

  /** Has a node send again the results of a computation that it holds; returns how many there are. */
  async resendResults(share: Share): Promise<number> {
    const { nodeAuth } = this.context.computations.of(share.cluster);
    const answer = await this.#requests.ask(share.node, {
      kind: "RESEND_JOB_RESULTS",
      computeId: share.cluster.id,
      auth: nodeAuth,
    }, { share });
    return decodeIntAnswer(answer, "answer to RESEND_JOB_RESULTS");
  }

  /**
   * Asks a node for the result of a job that it could not deliver, and takes it. dispynode does not
   * always send such results again when it is asked to: it counts them wrongly.
   */
  async fetchResult(share: Share, job: Job): Promise<void> {
    const { cluster, node } = share;
    const { computations, receiving } = this.context;
    const request = {
      kind: "RETRIEVE_JOB",
      computeId: cluster.id,
      auth: computations.of(cluster).nodeAuth,
      uid: job.uid,
      hash: job.runHash,
    } as const;
    using stream = await this.connect(node);
    await stream.writeRequest(nodeAuthOf(this.context, node), ...encodeClientRequest(request));
    using room = receiving.nodes.share(node.ipAddr);
    const reply = decodeRetrieveJobAnswer(await stream.readMessage(MAX_MESSAGE_BYTES, room));
    if (reply === null) return;
    if (await this.resultIntake.take(reply) !== "left") await stream.writeMessage(ACK);
  }

  /** A connection to a node. */
  connect(node: Node): Promise<MessageStream> {
    return this.#requests.connect(node);
  }

  async #sendComputation(
    share: Share,
    computation: Computation,
  ): Promise<{ readonly cpus: number; readonly wantsSetup: boolean }> {
    let { answer, wantsSetup } = await this.#tryComputation(share, computation);
    const tellsFreeCpus = dialectOfNode(share.node).computeAnswer === "free_cpus";
    if (answer.kind === "refused" && answer.reason === "answered 0") {
      // It has the computation already: from before it was lost to us.
      await this.#close(share, true);
      ({ answer, wantsSetup } = await this.#tryComputation(share, computation));
      // Or it has taken it, and other jobs have all of its CPUs.
      const isTaken = answer.kind === "refused" && answer.reason === "answered 0" && tellsFreeCpus;
      if (isTaken) return { cpus: share.node.availCpus, wantsSetup };
    }
    if (answer.kind === "refused") throw new Refusal("refused", answer.reason);
    return { cpus: tellsFreeCpus ? share.node.availCpus : answer.cpus, wantsSetup };
  }

  async #tryComputation(
    share: Share,
    computation: Computation,
  ): Promise<{ readonly answer: ComputeAnswer; readonly wantsSetup: boolean }> {
    using loan = await computation.kept.lend();
    const { compute } = await this.#payloadOf(loan);
    const request = {
      kind: "COMPUTE",
      compute: this.#computeFor(share, compute, computation),
    } as const;
    const answer = decodeComputeAnswer(await this.#requests.ask(share.node, request, { share }));
    return { answer, wantsSetup: wantsSetupAt(share.node, compute) };
  }

  /** Sends the arguments for the node's setup, and waits for its end, as long as that takes. */
  async #sendSetup(share: Share, computation: Computation): Promise<Uint8Array> {
    const { node } = share;
    using stream = await this.connect(node);
    await this.#writeSetup(stream, share, computation);
    return await this.#longAnswers.read(stream, node, async () => {
      await this.context.nodeTransport.knock(node.ipAddr, node.info.port);
      // Where its client has closed the computation, the node is to close it, too.
      return share.state !== "closing";
    });
  }

  /** Of its own, so that the arguments are in memory no longer than this takes. */
  async #writeSetup(
    stream: MessageStream,
    share: Share,
    { kept, cluster }: Computation,
  ): Promise<void> {
    const { argsAt, ...spec } = share.allocation.setup as SetupSpec;
    using loan = argsAt === null ? null : await kept.lend();
    const setupArgs = loan === null || argsAt === null
      ? spec.setupArgs
      : (await this.#payloadOf(loan)).setupArgs[argsAt];
    if (setupArgs === undefined) {
      throw new Refusal("setup_failed", "the arguments of the setup are lost");
    }
    await this.#requests.write(stream, share, { kind: "SETUP", computeId: cluster.id, setupArgs });
  }

  /** What a computation has on disk; where it is lost, no further attempt can send it. */
  async #payloadOf(loan: Loan<ComputationPayload>): Promise<ComputationPayload> {
    try {
      return await loan.read();
    } catch (error) {
      if (!(error instanceof LostPayloadError)) throw error;
      const reason = `the computation was damaged on the scheduler's disk: ${error.message}`;
      throw new Refusal("setup_failed", reason);
    }
  }

  /** The computation as this node gets it: it talks to us, and knows nothing of its client. */
  #computeFor(share: Share, compute: Compute, { nodeAuth, dialect }: Computation): Compute {
    const { info } = share.node;
    const { core } = this.context.engine;
    const { pulseIntervalMs } = core.options;
    return {
      ...compute,
      id: share.cluster.id,
      auth: nodeAuth,
      exclusive: share.cluster.options.exclusive,
      schedulerIpAddr: info.schedulerIpAddr,
      schedulerPort: info.schedulerPort,
      jobResultPort: info.schedulerPort,
      nodeIpAddr: info.ipAddr,
      // Straight to a client goes only what it reads.
      clientReplyAddr: haveSamePickles(dialect, dialectOfNode(share.node))
        ? compute.clientReplyAddr
        : null,
      pulseIntervalS: pulseIntervalMs === null ? null : pulseIntervalMs / 1000,
      cleanup: this.context.options.cleanupNodes && !compute.cleanup ? true : compute.cleanup,
    };
  }

  /** Sends the job; `null` where the node has taken it. */
  async #tryRun(job: Job, share: Share): Promise<JobRefusal | null> {
    const { node } = share;
    const payload = job.payload as JobPayload;
    let stream: MessageStream;
    let record: DispyJob;
    const { pickleProtocol } = dialectOfNode(node);
    using rewritten = this.context.foreign.share(this.context.computations.of(job.cluster).owner);
    using loan = await payload.kept.lend();
    try {
      record = await this.context.foreign.job(await loan.read(), pickleProtocol, rewritten);
      for (const file of payload.files) {
        if (isWithheld(share)) return { kind: "withheld" };
        await this.#files.sendInTurn(share, file);
      }
      if (isWithheld(share)) return { kind: "withheld" };
      stream = await this.connect(node);
    } catch (error) {
      return asRefusal(error);
    }
    using _ = stream;
    let answer: JobAnswer;
    try {
      const sent = { ...record, hash: job.runHash, code: this.#codeFor(share, record.code) };
      const chunks = encodeToNode({ kind: "JOB", job: sent }, dialectOfNode(node));
      for (const chunk of chunks) share.txBytes += chunk.length;
      await stream.writeRequest(nodeAuthOf(this.context, node), ...chunks);
      const message = await stream.readMessage(MAX_ANSWER_BYTES);
      // A node that was restarted closes the connection: it has another sign.
      if (message.length === 0) return { kind: "unreachable" };
      answer = decodeJobAnswer(message);
    } catch (error) {
      return await this.#afterSilence(job, share, error);
    }
    if (answer.kind === "accepted") return null;
    if (answer.kind === "busy") {
      void this.#endOrphans(node);
      return { kind: "busy" };
    }
    const reason = `node ${node.ipAddr} did not take the job: ${answer.reason}`;
    return { kind: answer.kind, reason };
  }

  /** The code that goes with a job to a node: to dispynode, functions bring more of it. */
  #codeFor({ cluster, node }: Share, code: string): string {
    const { compute } = this.context.computations.of(cluster);
    const isGuarded = !runsTypeScript(node.info.platform) && compute.type === ComputeType.Function;
    return isGuarded ? guardedCode(code, dialectOfNode(node)) : code;
  }

  async #terminate(node: Node, uid: number, computeId: number): Promise<void> {
    // The node looks at these two only: what else a job has stays here.
    const job = {
      uid,
      computeId,
      hash: "",
      args: EMPTY,
      kwargs: EMPTY,
      xferFiles: [],
      code: "",
      extra: null,
    };
    try {
      using stream = await this.connect(node);
      const request: ToNodeRequest = { kind: "TERMINATE_JOB", job };
      const chunks = encodeToNode(request, dialectOfNode(node));
      await stream.writeRequest(nodeAuthOf(this.context, node), ...chunks);
      await stream.waitForClose();
    } catch (error) {
      log.debug("node not told to end a job; it will be told again", {
        job: uid,
        node: node.ipAddr,
        reason: messageOf(error),
      });
    }
  }

  /**
   * A node says that it is busy while we count a free CPU: it may run a job that was given up
   * because the node's answer to it was lost. Ends what runs there and is not known here.
   */
  async #endOrphans(node: Node): Promise<void> {
    for (const share of node.shares.values()) {
      try {
        for (const uid of await this.jobsAt(share)) {
          if (this.context.engine.core.jobs.get(uid)?.share?.node === node) continue;
          log.info("ending a job that was given up and runs on", { job: uid, node: node.ipAddr });
          await this.#terminate(node, uid, share.cluster.id);
        }
      } catch (error) {
        log.debug("node does not tell which jobs it runs", {
          node: node.ipAddr,
          reason: messageOf(error),
        });
      }
    }
  }

  /** The job was sent and nothing came back: only the node can tell whether it runs. */
  async #afterSilence(job: Job, share: Share, error: unknown): Promise<JobRefusal | null> {
    const fields = { job: job.uid, node: share.node.ipAddr, reason: messageOf(error) };
    log.debug("node did not acknowledge a job; asking which jobs it runs", fields);
    try {
      if ((await this.jobsAt(share)).includes(job.uid)) return null;
      // It may have ended in the meantime: then its result is about to come, or is kept there.
      await delay(RESULT_WAIT_MS);
      await this.fetchResult(share, job);
      return this.resultIntake.isLeft(job.uid) ? null : { kind: "vanished" };
    } catch (error) {
      log.debug("node does not tell which jobs it runs", { ...fields, reason: messageOf(error) });
      return { kind: "lost" };
    }
  }

  async #close(share: Share, terminatePending: boolean): Promise<void> {
    const { node, cluster } = share;
    const { nodeAuth } = this.context.computations.of(cluster);
    const request: NodeCloseRequest = {
      kind: "CLOSE",
      computeId: cluster.id,
      auth: nodeAuth,
      nodeIpAddr: node.ipAddr,
      terminatePending,
      close: true,
    };
    using stream = await this.connect(node);
    await stream.writeRequest(
      nodeAuthOf(this.context, node),
      ...encodeToNode(request, dialectOfNode(node)),
    );
    await this.#longAnswers.read(stream, node, async () => {
      using again = await this.connect(node);
      // It does not end jobs that were just starting up when it was told.
      if (terminatePending) {
        await again.writeRequest(
          nodeAuthOf(this.context, node),
          ...encodeToNode(request, dialectOfNode(node)),
        );
      }
      return true;
    });
  }

  #closeFailed(share: Share, error: unknown): void {
    log.warning("node could not be told to close a computation", {
      node: share.node.ipAddr,
      computation: share.cluster.name,
      reason: messageOf(error),
    });
  }
}

function keyOf(node: Node, computeId: number): string {
  return `${node.ipAddr} ${computeId}`;
}

const EMPTY = new Uint8Array(0);

/** Nodes before 4.10 want `SETUP:` only where there is a setup function to run. */
function wantsSetupAt(node: Node, compute: Compute): boolean {
  return dialectOfNode(node).setup !== "id_where_needed" || hasSetupCall(compute);
}

/** Whether `share`'s node is to get no job, of those that are on their way either. */
function isWithheld({ state, terminatePending }: Share): boolean {
  return state === "dropped" || (state === "closing" && terminatePending);
}

function asRefusal(error: unknown): JobRefusal {
  if (error instanceof LostPayloadError) {
    const reason =
      `the arguments of this job were damaged on the scheduler's disk: ${error.message}`;
    return { kind: "damaged", reason };
  }
  if (error instanceof LostFile) return { kind: "damaged", reason: error.message };
  if (error instanceof UnreadableError) {
    return { kind: "damaged", reason: `this job cannot be run: ${error.message}` };
  }
  if (error instanceof Refusal) return { kind: "rejected", reason: error.message };
  if (error instanceof WireError) return { kind: "unreachable" };
  return { kind: "rejected", reason: messageOf(error) };
}
