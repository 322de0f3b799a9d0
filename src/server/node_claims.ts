/**
 * What is claimed of a node that we have: that it was restarted, has ended, offers other CPUs, is
 * alive. Messages to the node port carry no proof of their sender, and a node's sign is public, so
 * a claim that would cost the node its jobs or its place is a reason to ask the node, not to act.
 *
 * There are two questions. A node that serves us is asked for its jobs, under the sign that we know:
 * another process at its address hangs up. One that does not serve us is greeted at its address with
 * a sign that is made for this one question; its answer carries the auth code of that sign, which
 * only a process at that address can know, and its own sign and CPUs.
 *
 * @module
 */

import { delay } from "@std/async/delay.js";
import { type Node, onNodeProbed, onNodePulse, onNodeTerminated } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { messageOf } from "../log/error_message.ts";
import type { PortFamily } from "../net/port_family.ts";
import { Throttle } from "../net/throttle.ts";
import type { Rate } from "../net/token_bucket.ts";
import { authCode, type OwnProof, ownProofMatches, type Pong } from "../wire/mod.ts";
import type { Context } from "./context.ts";
import type { Discovery } from "./discovery.ts";
import { sessionOf } from "./node_proof.ts";
import type { NodeProbe } from "./node_probe.ts";

const log = getLogger("nodeside");

/** Claims of this many nodes are looked into at a time; those that come beside them are dropped. */
const MAX_ASKED = 256;

/** How often a node is asked because of claims: enough for one that is restarted again and again. */
const ASK_RATE: Rate = { burst: 8, perSecond: 1 / 5 };
/** So many nodes are remembered that were asked. */
const MAX_REMEMBERED = 4096;

/** A node that does not answer is asked so often, so far apart, until it counts as gone. */
const ASKS = 3;
const ASK_AGAIN_MS = 2_000;

/** How long a node that says farewell is given to end. */
const FAREWELL_MS = 1_000;

/** No node sends from more addresses than this. */
const MAX_SOURCES = 16;

const SIGN_BYTES = 20;

/** See the module's description. */
export class NodeClaims {
  /** By the auth code that the answer must carry: who waits for it. */
  readonly #questions = new Map<string, (pong: Pong) => void>();
  /** Nodes that are being asked, by address. */
  readonly #asked = new Set<string>();
  readonly #asks = new Throttle(ASK_RATE, MAX_REMEMBERED);
  /** From where nodes have sent messages that were believed: behind a NAT another address. */
  readonly #sources = new WeakMap<Node, Set<string>>();

  constructor(
    private readonly context: Context,
    private readonly discovery: Discovery,
    private readonly nodeProbe: NodeProbe,
  ) {}

  /** How many nodes are being asked. */
  get asking(): number {
    return this.#asked.size;
  }

  /** Whether `pong` answers a question of ours, and so is true; it is used up. */
  takeAnswer(pong: Pong): boolean {
    const { ownProof } = pong;
    // Where the proof is ours, dispy's may be missing; the question is the one that it names.
    const key = ownProof !== undefined && this.#proves(pong, ownProof)
      ? keyOf(authCode(this.context.options.nodeSecret, ownProof.schedulerSign))
      : keyOf(pong.auth);
    const answered = this.#questions.get(key);
    if (answered === undefined) return false;
    this.#questions.delete(key);
    answered(pong);
    return true;
  }

  #proves(pong: Pong, proof: OwnProof): boolean {
    const session = sessionOf(pong, proof);
    return ownProofMatches(this.context.options.nodeSecret, session, proof.code);
  }

  /** Messages of `node` come from this address. */
  addSource(node: Node, from: string): void {
    const sources = this.#sources.get(node) ?? new Set();
    if (sources.size < MAX_SOURCES) sources.add(from);
    this.#sources.set(node, sources);
  }

  /** Whether messages of `node` come from this address. */
  isSource(node: Node, from: string): boolean {
    return node.ipAddr === from || node.otherAddresses.has(from) ||
      (this.#sources.get(node)?.has(from) ?? false);
  }

  /** The node that `pong` contradicts: known at its address with another sign, port or CPUs. */
  contradicted({ ipAddr, sign, port, cpus }: Pong): Node | null {
    const node = this.context.engine.core.nodes.get(ipAddr);
    if (node === undefined) return null;
    const { info } = node;
    const isSame = info.sign === sign && info.port === port && node.availCpus === cpus;
    return isSame ? null : node;
  }

  /**
   * Finds out which process is at the address of `node`, of which `pong` claims that it is another
   * one than we know, or offers other CPUs.
   *
   * @param accept Takes what the process there says itself.
   */
  async onContradiction(
    node: Node,
    pong: Pong,
    family: PortFamily,
    accept: (truth: Pong) => void,
  ): Promise<void> {
    await this.#settle(node, async () => {
      for (let asks = 0; asks < ASKS && this.#isKnown(node); asks++) {
        if (asks > 0) await delay(ASK_AGAIN_MS);
        const truth = await this.#askWhoIsThere(node, [node.info.port, pong.port], pong, family);
        if (truth === "the node") {
          log.debug("claim about a node is wrong", { node: node.ipAddr, claimed_sign: pong.sign });
          return;
        }
        if (truth !== null) return accept(truth);
      }
    });
  }

  /** Somebody says that `node` has ended, or has dropped one of its computations. */
  async onFarewell(node: Node): Promise<void> {
    await this.#settle(node, async () => {
      // It may say so a moment before it is true.
      await delay(FAREWELL_MS);
      const family = this.#familyOf(node);
      const { info } = node;
      const truth = await this.#askWhoIsThere(node, [info.port], info, family);
      if (truth === "the node") {
        log.debug("node said farewell and is still there", { node: node.ipAddr });
        return;
      }
      this.context.engine.post((core, nowMs) => onNodeTerminated(core, node, nowMs));
    });
  }

  /**
   * A message that `node` offers other CPUs has come from a strange address, or in a datagram, whose
   * address can be made up. A node that serves us does not tell them when it is asked; it is not
   * believed then.
   *
   * @param accept Takes the number of CPUs that the node says itself.
   */
  async onCpusClaimed(node: Node, accept: (cpus: number) => void): Promise<void> {
    if (node.shares.size > 0) {
      log.debug("strange message about the CPUs of a node; ignored", { node: node.ipAddr });
      return;
    }
    await this.#settle(node, async () => {
      const { info } = node;
      const truth = await this.#challenge(node.ipAddr, info.port, info, this.#familyOf(node));
      if (truth?.sign === info.sign) accept(truth.cpus);
    });
  }

  /** A sign of life of `node` has come from a strange address. */
  async onStrangePulse(node: Node): Promise<void> {
    if (node.shares.size === 0) return;
    await this.#settle(node, async () => {
      const answer = await this.nodeProbe.ask(node);
      this.context.engine.post((core, nowMs) => {
        if (answer === "alive") onNodePulse(core, node.ipAddr, null, nowMs);
        else onNodeProbed(core, node, answer, nowMs);
      });
    });
  }

  /** Runs `task` unless `node` is being asked already, or was asked too often. */
  async #settle(node: Node, task: () => Promise<void>): Promise<void> {
    const key = node.ipAddr;
    if (this.#asked.has(key) || this.#asked.size >= MAX_ASKED || !this.#asks.take(key)) {
      log.debug("claim about a node is not looked into; others are", { node: key });
      return;
    }
    this.#asked.add(key);
    try {
      await task();
    } catch (error) {
      log.error("a claim about a node could not be looked into", {
        node: key,
        reason: messageOf(error),
      });
    } finally {
      this.#asked.delete(key);
    }
  }

  /**
   * Asks the node and, where that is not there, whatever is at its address.
   *
   * @param ports Where to ask, in this order.
   * @returns "the node" where it is there as we know it, with the CPUs that we know of; what another
   *   process, or the node itself, says there; `null` where neither is answering.
   */
  async #askWhoIsThere(
    node: Node,
    ports: readonly number[],
    claim: Pick<Pong, "version">,
    family: PortFamily,
  ): Promise<Pong | "the node" | null> {
    if (node.shares.size > 0) {
      const answer = await this.nodeProbe.ask(node);
      if (answer === "alive") return "the node";
      // What the missing answers of a node mean, the core decides as for every silent node.
      this.context.engine.post((core, nowMs) => onNodeProbed(core, node, answer, nowMs));
    }
    for (const port of new Set(ports)) {
      const truth = await this.#challenge(node.ipAddr, port, claim, family);
      if (truth === null) continue;
      const isKnown = truth.sign === node.info.sign && truth.port === node.info.port &&
        truth.cpus === node.availCpus;
      return isKnown ? "the node" : truth;
    }
    return null;
  }

  /** Greets whoever is at this address with a sign that is made for this question. */
  async #challenge(
    host: string,
    port: number,
    { version }: Pick<Pong, "version">,
    family: PortFamily,
  ): Promise<Pong | null> {
    const { nodeSecret, msgTimeoutMs } = this.context.options;
    const bytes = crypto.getRandomValues(new Uint8Array(SIGN_BYTES));
    const sign = bytes.toHex();
    const key = keyOf(authCode(nodeSecret, sign));
    const answered = Promise.withResolvers<Pong>();
    this.#questions.set(key, answered.resolve);
    const over = new AbortController();
    try {
      if (!await this.discovery.challenge(family, host, port, version, sign)) return null;
      const late = delay(msgTimeoutMs, { signal: over.signal }).then(() => null, () => null);
      const pong = await Promise.race([answered.promise, late]);
      // It must be the one that was asked, also where a process there knows of others.
      return pong?.ipAddr === host ? pong : null;
    } finally {
      over.abort();
      this.#questions.delete(key);
    }
  }

  /** The ports at which `node` has found us. */
  #familyOf(node: Node): PortFamily {
    const { families } = this.context.options;
    return families.find(({ nodeSide }) => nodeSide === node.info.schedulerPort) ?? families[0]!;
  }

  #isKnown(node: Node): boolean {
    return this.context.engine.core.nodes.get(node.ipAddr) === node;
  }
}

const DECODER = new TextDecoder();

/** An auth code as a key: nodes send it as bytes. */
function keyOf(auth: Uint8Array): string {
  return DECODER.decode(auth);
}
