/**
 * Requests of nodes (and relays) at the node port. They come without any proof of who sends
 * them, so each is taken only where it fits what we know.
 *
 * @module
 */

import {
  type Node,
  nodeBySign,
  onNodeCpusChanged,
  onNodeFound,
  onNodeFoundElsewhere,
  onNodePulse,
} from "../core/mod.ts";
import { isIP } from "node:net";
import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import { dumpChunks, type PickleLimits } from "../pickle/mod.ts";
import {
  ACK,
  authMatches,
  type AvailInfo,
  decodeBareJobReply,
  decodeNodeRequest,
  dialectOf,
  encodeBareJobReply,
  encodeRelayAnswer,
  encodeToClient,
  type Generation,
  GREETING_LIMITS,
  type JobFileMessage,
  type JobReply,
  limitsAt,
  MAX_GREETING_BYTES,
  MAX_MESSAGE_BYTES,
  type MessageLimit,
  type MessageStream,
  NODE_LIMITS,
  type NodeCpus,
  type NodePing,
  type NodePulse,
  type NodeRequest,
  picklesReadBy,
  type Pong,
  PULSE,
  refuseFile,
  relayFile,
  type RelayInfo,
  type Terminated,
  unsafeFileName,
} from "../wire/mod.ts";
import { runsTypeScript } from "../wire/typescript_jobs.ts";
import { type Guest, MAX_STRANGER_WARNINGS } from "../net/admission.ts";
import type { ClientLinks } from "./client_links.ts";
import { type Context, SECRET_WARNING_INTERVAL_MS } from "./context.ts";
import { dialectOfNode } from "./dialects.ts";
import { messageOf } from "../log/error_message.ts";
import type { Discovery } from "./discovery.ts";
import type { LostNodes } from "./lost_nodes.ts";
import { checkNodeProof, type GoodProof } from "./node_proof.ts";
import type { NodeClaims } from "./node_claims.ts";
import type { NodeRoom } from "./node_room.ts";
import type { ResultIntake } from "./result_intake.ts";
import { totalBytes } from "./kept_payload.ts";
import type { TransferShare } from "../net/transfer_budget.ts";
import type { PortFamily } from "../net/port_family.ts";
import { Throttle } from "../net/throttle.ts";
import type { Rate } from "../net/token_bucket.ts";

const log = getLogger("nodeside");

/** Where a message has come from. */
interface Sender {
  readonly from: string;
  /** Whether the address is that of a connection; that of a datagram can be made up. */
  readonly isProven: boolean;
  /** Our address that it has come to; `null` where that is not known. */
  readonly to: string | null;
}

/** Anybody can have us greet an address: no more of that than this at a time. */
const MAX_ANSWERING = 512;

/** A machine is connected to so often because somebody has greeted in its name; nodes greet rarely. */
const ANSWER_RATE: Rate = { burst: 64, perSecond: 2 };
/** So many machines that were greeted for are remembered. */
const MAX_ANSWERED = 4096;

const MESSAGE_LIMITS = limitsAt("fromNode");

/** Of what a node has to spare, attributes that are not known take no more than that. */
const MAX_EXTRA_BYTES = 1024;

/** See the module's description. */
export class NodeSide {
  readonly #refusals = new RepeatLimiter(log, {
    intervalMs: SECRET_WARNING_INTERVAL_MS,
    maxPerInterval: MAX_STRANGER_WARNINGS,
  });
  /** Nodes that are being greeted because they have greeted, by address and port. */
  readonly #answering = new Set<string>();
  readonly #answers = new Throttle(ANSWER_RATE, MAX_ANSWERED);

  constructor(
    private readonly context: Context,
    private readonly discovery: Discovery,
    private readonly clientLinks: ClientLinks,
    private readonly nodeClaims: NodeClaims,
    private readonly lostNodes: LostNodes,
    private readonly resultIntake: ResultIntake,
    private readonly nodeRoom: NodeRoom,
  ) {}

  /** Serves one connection to the node port of `family`. */
  async serve(stream: MessageStream, family: PortFamily, guest: Guest): Promise<void> {
    const { limit, pickles } = this.#limitsOf(guest);
    using room = this.context.receiving.nodes.share(stream.remoteAddr.hostname);
    const message = await stream.readMessage(limit, room);
    if (message.length === 0) return;
    const request = decodeNodeRequest(message, pickles);
    if (guest.isKnown) guest.stay();
    const { hostname: from } = stream.remoteAddr;
    switch (request.kind) {
      case "JOB_REPLY":
        return await this.#jobReply(stream, request.reply, message.length);
      case "PULSE":
        return await this.#pulse(stream, request);
      case "FILEXFER":
        // So short that no room is taken for it: waiting for room for the reply behind it ends.
        return await this.#jobFile(stream, request, guest, room);
      case "RELAY_INFO":
        return await this.#relayInfo(stream, request, family);
      default: {
        stream.close();
        const told = request.kind === "PONG"
          ? { pickleProtocol: picklesReadBy(message), ...request }
          : request;
        this.#take(told, family, { from, isProven: true, to: stream.localAddr.hostname });
      }
    }
  }

  /** Serves a message that needs no answer on its own connection. */
  serveDatagram(request: NodeRequest, family: PortFamily, from: string): void {
    this.#take(request, family, { from, isProven: false, to: null });
  }

  #take(request: NodeRequest, family: PortFamily, sender: Sender): void {
    const { from } = sender;
    switch (request.kind) {
      case "PONG":
        return this.#pong(request, family, sender);
      case "PING":
        // Schedulers and clients greet nodes, and may hit us where ports coincide.
        if (request.from === "node") void this.#nodePing(request, family);
        return;
      case "NODE_CPUS":
        return this.#nodeCpus(request, sender);
      case "TERMINATED":
        return this.#terminated(request, from);
      case "PULSE":
        return this.#pulseDatagram(request, family, from);
      default:
        log.debug("message has no place in a datagram", { message: request.kind, from });
    }
  }

  /** Whether a node of ours was found at this address. */
  knows(address: string): boolean {
    return this.context.engine.core.nodes.has(address) || this.discovery.knows(address);
  }

  async #jobReply(stream: MessageStream, reply: JobReply, sizeBytes: number): Promise<void> {
    const share = this.context.engine.core.jobs.get(reply.uid)?.share;
    const intake = await this.resultIntake.take(reply);
    // Not acknowledged, the node keeps it.
    if (intake === "left") return;
    if (intake === "taken") {
      if (share) share.rxBytes += sizeBytes;
      log.debug("result received", { job: reply.uid, node: reply.ipAddr, status: reply.status });
    } else {
      log.debug("result of a job that does not run there; ignored", {
        job: reply.uid,
        node: reply.ipAddr,
        from: stream.remoteAddr.hostname,
      });
    }
    // Also what nobody waits for: the node would offer it for ever.
    await stream.writeMessage(ACK);
  }

  async #pulse(stream: MessageStream, pulse: NodePulse): Promise<void> {
    const { engine } = this.context;
    const node = engine.core.nodes.get(pulse.ipAddr);
    if (node === undefined) return this.lostNodes.onSignOfLife(pulse.ipAddr);
    const { hostname: from } = stream.remoteAddr;
    if (this.nodeClaims.isSource(node, from)) {
      engine.post((core, nowMs) =>
        onNodePulse(core, pulse.ipAddr, withoutLongExtra(pulse.availInfo), nowMs)
      );
    } else void this.nodeClaims.onStrangePulse(node);
    await stream.writeMessage(PULSE);
  }

  /** Nodes up to 4.6 send their pulses as datagrams, and are answered so. */
  #pulseDatagram(pulse: NodePulse, family: PortFamily, from: string): void {
    const { engine } = this.context;
    const node = engine.core.nodes.get(pulse.ipAddr);
    const isIts = node !== undefined && from === node.ipAddr &&
      dialectOfNode(node).pulses === "datagram";
    if (!isIts) return log.debug("pulse in a datagram ignored", { node: pulse.ipAddr, from });
    engine.post((core, nowMs) =>
      onNodePulse(core, pulse.ipAddr, withoutLongExtra(pulse.availInfo), nowMs)
    );
    this.discovery.answerPulse(node, family);
  }

  /** A job sends a file to its client, through us. */
  async #jobFile(
    stream: MessageStream,
    { file }: JobFileMessage,
    guest: Guest,
    room: TransferShare,
  ): Promise<void> {
    // A provisional result may be in it, of any size.
    const { maxBytes, pickles } = this.#limitsOf(guest);
    const reply = decodeBareJobReply(await stream.readMessage(maxBytes, room), pickles);
    const job = this.context.engine.core.jobs.get(reply.uid);
    // The job may be heard of before its node's acknowledgement is.
    const known = job !== undefined && job.runHash === reply.hash &&
      job.share?.node.ipAddr === reply.ipAddr && job.cluster.wantsResults;
    const unsafe = unsafeFileName(file);
    if (!known || unsafe !== null) {
      const reason = unsafe ?? "the job does not run there";
      const { hostname: from } = stream.remoteAddr;
      const fields = { file: file.name, node: reply.ipAddr, from, reason };
      this.#refusals.warning(`file ${from}`, "file of a job refused", fields);
      await refuseFile(stream);
      return;
    }
    guest.stay();
    let client: MessageStream;
    try {
      client = await this.clientLinks.of(job.cluster).connect();
    } catch (error) {
      await refuseFile(stream);
      throw error;
    }
    using _ = client;
    const { foreign, computations } = this.context;
    const { dialect, compute, owner } = computations.of(job.cluster);
    await client.writeMessage(...encodeToClient({ kind: "FILEXFER", file }, dialect));
    using rewritten = foreign.share(owner);
    const ofJob = { ...reply, hash: job.hash };
    const sent = await foreign.replySoFar(ofJob, dialect.pickleProtocol, compute.type, rewritten);
    await client.writeMessage(...encodeBareJobReply(sent, dialect));
    const { transferredBytes } = await relayFile(stream, client, file.stat.sizeBytes);
    if (job.share) job.share.rxBytes += transferredBytes;
  }

  async #relayInfo(stream: MessageStream, info: RelayInfo, family: PortFamily): Promise<void> {
    const { nodeAuth, sign } = this.context;
    const refused = info.auth !== null && !authMatches(info.auth, nodeAuth);
    if (refused) {
      const { hostname: from } = stream.remoteAddr;
      this.#refusals.warning(`relay ${from}`, "relay has another node secret; refused", { from });
    }
    const answer = refused
      ? null
      : { sign, ipAddrs: [info.schedulerIpAddr], port: family.nodeSide };
    if (!refused) this.discovery.onRelay(stream.remoteAddr.hostname);
    await stream.writeMessage(encodeRelayAnswer(answer));
  }

  #pong(pong: Pong, family: PortFamily, sender: Sender): void {
    const { from } = sender;
    if (this.nodeClaims.takeAnswer(pong)) return;
    const proof = this.#proofOf(pong, sender, false);
    if (proof === null) return;
    if (pong.cpus <= 0 || pong.schedulerIpAddr === null) {
      log.debug("node offers no CPUs", { node: pong.ipAddr });
      return;
    }
    const contradicted = this.nodeClaims.contradicted(pong);
    if (contradicted === null) return this.#found(pong, proof, family, from);
    void this.nodeClaims.onContradiction(contradicted, pong, family, (truth) => {
      const proof = this.#proofOf(truth, sender, true);
      if (proof !== null) this.#found(truth, proof, family, from);
    });
  }

  /** What a node proves the secret with; `null` where it does not, which is told once. */
  #proofOf(pong: Pong, { from, to }: Sender, isAnswer: boolean): GoodProof | null {
    const proof = checkNodeProof(this.context, pong, { to, isAnswer });
    const { kind } = proof;
    if (kind === "good") return proof;
    // A node answers each of our greetings, at each of our addresses.
    this.#refusals.warning(
      `node ${pong.ipAddr}`,
      kind === "wrong"
        ? "node has another node secret; not used"
        : "node proves the secret as dispy does only, and --require_own_auth is set; not used",
      { node: pong.ipAddr, from },
    );
    return null;
  }

  /** A node that is where it says to be, as far as we know. */
  #found(pong: Pong, { requestAuth }: GoodProof, family: PortFamily, from: string): void {
    const { engine } = this.context;
    const { ipAddr, sign, schedulerIpAddr } = pong;
    if (schedulerIpAddr === null) return;
    if (engine.core.nodes.get(ipAddr)?.info.sign !== sign) {
      const known = nodeBySign(engine.core, sign);
      if (known !== undefined) {
        log.debug("node has another address, too", { node: known.ipAddr, address: ipAddr });
        engine.post((core, nowMs) => onNodeFoundElsewhere(core, known, ipAddr, nowMs));
        this.discovery.knowHosts(ipAddr, from);
        return;
      }
      const refusal = this.nodeRoom.take(pong, from);
      if (refusal !== null) {
        const fields = { node: ipAddr, from, reason: refusal };
        this.#refusals.warning(`room ${from}`, "node not taken", fields);
        return;
      }
      log.info("node found", { node: ipAddr, name: pong.name, cpus: pong.cpus });
    }
    const { version, port, name, cpus, platform, pickleProtocol } = pong;
    const availInfo = withoutLongExtra(pong.availInfo);
    const known = { ipAddr, sign, version, port, name, cpus, platform, availInfo };
    const info = pickleProtocol === undefined ? known : { ...known, pickleProtocol };
    const node = engine.post((core, nowMs) =>
      onNodeFound(core, {
        ...info,
        schedulerIpAddr,
        schedulerPort: family.nodeSide,
        generation: generationOf(pong),
        ...(requestAuth === undefined ? {} : { requestAuth }),
      }, nowMs)
    );
    this.nodeClaims.addSource(node, from);
    this.discovery.onNodeFound(pong, from);
  }

  async #nodePing(ping: NodePing, family: PortFamily): Promise<void> {
    const node = this.context.engine.core.nodes.get(ping.ipAddr);
    // A node greets by broadcast, and to each of our addresses: once is enough.
    if (node !== undefined && node.info.sign === ping.sign) return;
    const key = `${ping.ipAddr} ${ping.port}`;
    if (this.#answering.has(key)) return;
    const reason = isIP(ping.ipAddr) === 0
      ? "its address is none"
      : this.#answering.size >= MAX_ANSWERING
      ? "too many greet at once"
      : !this.#answers.take(ping.ipAddr)
      ? "too many greet in its name"
      : this.#isOthersSign(ping.sign)
      ? "its sign is that of another"
      : null;
    if (reason !== null) {
      log.debug("node that greeted is not answered", { node: ping.ipAddr, reason });
      return;
    }
    this.#answering.add(key);
    try {
      await this.discovery.answerNode(ping, family);
    } catch (error) {
      log.debug("node that greeted cannot be answered", {
        node: ping.ipAddr,
        reason: messageOf(error),
      });
    } finally {
      this.#answering.delete(key);
    }
  }

  /**
   * Whether this is our own sign, or that of a node of ours. The answer to a greeting proves the
   * secret for the sign in it: whoever got that could pass for a node here, or for us at the node.
   */
  #isOthersSign(sign: string): boolean {
    return sign === this.context.sign || nodeBySign(this.context.engine.core, sign) !== undefined;
  }

  #nodeCpus(message: NodeCpus, { from, isProven }: Sender): void {
    const node = this.#knownNode(message, from);
    if (node === undefined) return;
    const accept = (cpus: number) => {
      log.info("node offers another number of CPUs", { node: node.ipAddr, cpus });
      this.context.engine.post((core) => onNodeCpusChanged(core, node, cpus));
    };
    if (isProven && this.nodeClaims.isSource(node, from)) accept(message.cpus);
    else void this.nodeClaims.onCpusClaimed(node, accept);
  }

  #terminated(message: Terminated, from: string): void {
    const node = this.#knownNode(message, from);
    if (node !== undefined) void this.nodeClaims.onFarewell(node);
  }

  /**
   * What a message may ask of us, and the reply behind a job's file: long ones are results, which
   * only a node that we have given a computation has.
   */
  #limitsOf(guest: Guest): {
    readonly limit: number | MessageLimit;
    readonly maxBytes: number;
    readonly pickles: PickleLimits;
  } {
    const { nodes, jobs } = this.context.engine.core;
    const node = nodes.get(guest.address);
    // One behind a NAT, or at several addresses, may send from another than the one it is known by.
    const owesResults = node === undefined ? jobs.size > 0 : node.shares.size > 0;
    return guest.isKnown && owesResults
      ? { limit: MESSAGE_LIMITS, maxBytes: MAX_MESSAGE_BYTES, pickles: NODE_LIMITS }
      : { limit: MAX_GREETING_BYTES, maxBytes: MAX_GREETING_BYTES, pickles: GREETING_LIMITS };
  }

  /** The node that a message is from, if it carries that node's sign. */
  #knownNode(message: { ipAddr: string; sign: string }, from: string): Node | undefined {
    const { core } = this.context.engine;
    const node = core.nodes.get(message.ipAddr);
    if (node?.info.sign === message.sign) return node;
    const known = nodeBySign(core, message.sign);
    if (known?.otherAddresses.has(message.ipAddr)) return known;
    log.debug("message of an unknown node; ignored", { node: message.ipAddr, from });
    return undefined;
  }
}

/** Nodes of ours understand clusters of every generation. */
function generationOf({ version, platform }: Pong): Generation | null {
  return runsTypeScript(platform) ? null : dialectOf(version).generation;
}

/** What a newer dispy may add to it is passed on; it is kept for each node, so it may not be long. */
function withoutLongExtra(info: AvailInfo | null): AvailInfo | null {
  if (info === null || info.extra === null) return info;
  const isLong = totalBytes(dumpChunks(info.extra)) > MAX_EXTRA_BYTES;
  return isLong ? { ...info, extra: null } : info;
}
