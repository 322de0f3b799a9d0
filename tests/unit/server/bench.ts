/**
 * The parts of a server, wired up without the sockets at which peers would reach it, so that tests
 * can be its peers on the loopback one by one. What the core wants done is not carried out.
 *
 * @module
 */

import * as core from "../../../src/core/mod.ts";
import { Admission } from "../../../src/net/admission.ts";
import { TransferBudget } from "../../../src/net/transfer_budget.ts";
import { Transport } from "../../../src/net/transport.ts";
import { UdpSockets } from "../../../src/net/udp_sockets.ts";
import { ClientLinks } from "../../../src/server/client_links.ts";
import { type Computation, Computations } from "../../../src/server/computation.ts";
import type { Context } from "../../../src/server/context.ts";
import { Discovery } from "../../../src/server/discovery.ts";
import { type EffectParts, EffectRunner } from "../../../src/server/effects.ts";
import { Engine } from "../../../src/server/engine.ts";
import { FileSet } from "../../../src/server/file_set.ts";
import { KeptPayload } from "../../../src/server/kept_payload.ts";
import { LostNodes } from "../../../src/server/lost_nodes.ts";
import { planMemory } from "../../../src/server/memory_plan.ts";
import { NodeClaims } from "../../../src/server/node_claims.ts";
import { NodeLink } from "../../../src/server/node_link.ts";
import { NodeProbe } from "../../../src/server/node_probe.ts";
import { NodeRoom } from "../../../src/server/node_room.ts";
import { NodeSide } from "../../../src/server/node_side.ts";
import type { ServerOptions } from "../../../src/server/options.ts";
import { Quotas } from "../../../src/server/quotas.ts";
import { COMPUTATION_FORM, headOf } from "../../../src/server/payload_forms.ts";
import { ResultIntake } from "../../../src/server/result_intake.ts";
import { MemoryStore } from "../../../src/store/memory_store.ts";
import { authCode, CURRENT_DIALECT, Deadlines, MessageStream } from "../../../src/wire/mod.ts";
import { REQUEST } from "./run.ts";

/** Where everybody in these tests is. */
export const HOST = "127.0.0.1";
/** The scheduler's ports, which nobody opens. */
export const FAMILY = { nodeSide: 9700, node: 9701, clientSide: 9702 };
/** The scheduler's mark. */
export const SIGN = "5".repeat(40);

const OPTIONS: ServerOptions = {
  families: [FAMILY],
  ipv4Multicast: false,
  nodes: [],
  nodeSecret: "node secret",
  requireOwnAuth: false,
  clusterSecret: "cluster secret",
  nodeTls: null,
  clusterTls: null,
  policy: core.earliestJob,
  cooperative: false,
  clusterRules: [],
  cleanupNodes: false,
  pulseIntervalMs: null,
  pingIntervalMs: null,
  zombieIntervalMs: null,
  msgTimeoutMs: 300,
  maxFileSizeBytes: 0,
  oversize: "refuse",
  memoryBudgetBytes: Infinity,
  diskBudgetBytes: Infinity,
  maxJobs: Infinity,
  resultKeepMs: null,
};

/** What a test waits for comes within this time, or not at all. */
const UNTIL_LIMIT_MS = 30_000;

/** How often it is looked whether a node is there that takes long to answer. */
const CHECK_MS = 20;

const TERMS = { priority: 0, weight: 1, maxCpus: null, maxJobs: null, maxJobBytes: null };

/** See the module's description. */
export class Bench implements AsyncDisposable {
  readonly deadlines = new Deadlines(20);
  readonly admission: Admission;
  readonly context: Context;
  readonly clientLinks: ClientLinks;
  readonly discovery: Discovery;
  readonly lostNodes: LostNodes;
  readonly nodeClaims: NodeClaims;
  readonly nodeLink: NodeLink;
  readonly nodeSide: NodeSide;
  readonly effects: core.Effect[] = [];
  readonly #stack = new AsyncDisposableStack();

  /**
   * @param limits `receivingBytes` is room for messages that nodes send, `memoryBudgetBytes` what
   * `--memory_budget` says; `requireOwnAuth` does not take dispy's proofs of the node secret.
   */
  constructor(
    limits: {
      receivingBytes?: number;
      memoryBudgetBytes?: number;
      requireOwnAuth?: boolean;
    } = {},
  ) {
    const { receivingBytes = Infinity, memoryBudgetBytes = Infinity } = limits;
    const options = {
      ...OPTIONS,
      memoryBudgetBytes,
      requireOwnAuth: limits.requireOwnAuth ?? OPTIONS.requireOwnAuth,
    };
    const common = { deadlines: this.deadlines, timeoutMs: OPTIONS.msgTimeoutMs };
    const store = new MemoryStore(1 << 20);
    const addresses = {
      listenAt: [HOST],
      known: [{ address: HOST, external: null }],
      outlets: [],
    };
    const engine = new Engine(
      new core.Core({
        policy: OPTIONS.policy,
        pulseIntervalMs: null,
        zombieIntervalMs: null,
        cooperative: false,
        firstId: 1000,
        isJournaled: false,
      }),
    );
    engine.onEffect((effect) => void this.effects.push(effect));
    const context: Context = this.context = {
      options,
      engine,
      nodeTransport: new Transport({ ...common, peers: "node", tls: null }),
      clientTransport: new Transport({ ...common, peers: "client", tls: null }),
      computations: new Computations(),
      quotas: new Quotas(),
      store,
      ...planMemory(options, store, null),
      receiving: {
        nodes: new TransferBudget(receivingBytes),
        clients: new TransferBudget(Infinity),
      },
      journal: null,
      sign: SIGN,
      nodeAuth: authCode(OPTIONS.nodeSecret, SIGN),
      clusterAuth: authCode(OPTIONS.clusterSecret, SIGN),
      addresses,
    };
    const discovery = this.discovery = new Discovery(context, new UdpSockets(addresses, false));
    const resultIntake = new ResultIntake(context);
    this.nodeLink = new NodeLink(context, resultIntake, CHECK_MS);
    this.clientLinks = new ClientLinks(context);
    this.lostNodes = new LostNodes(context, this.nodeLink, discovery);
    const nodeProbe = new NodeProbe(context, this.nodeLink, resultIntake);
    this.nodeClaims = new NodeClaims(context, discovery, nodeProbe);
    this.nodeSide = new NodeSide(
      context,
      discovery,
      this.clientLinks,
      this.nodeClaims,
      this.lostNodes,
      resultIntake,
      new NodeRoom(engine.core, context.nodeBudget),
    );
    this.admission = new Admission({
      ...common,
      peers: "node",
      isKnown: (address) => this.nodeSide.knows(address),
    });
    this.#stack.defer(() => this.deadlines.stop());
    this.#stack.defer(() => this.lostNodes.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** Waits until `check` holds. */
  async until(what: string, check: () => boolean): Promise<void> {
    const endMs = performance.now() + UNTIL_LIMIT_MS;
    while (!check()) {
      if (performance.now() > endMs) throw new Error(`not so in time: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** The effects of this kind so far. */
  effectsOf<K extends core.Effect["kind"]>(kind: K): Extract<core.Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<core.Effect, { kind: K }> =>
      effect.kind === kind
    );
  }

  /** Has done what is to be done for computations that are over. */
  forgetClusters(): void {
    const runner = new EffectRunner(this.context, {
      clientLinks: this.clientLinks,
    } as unknown as EffectParts);
    for (const effect of this.effectsOf("forgetCluster")) {
      if (this.context.computations.get(effect.cluster.id)) runner.run(effect);
    }
  }

  /** A node at `ipAddr`, as if it had answered a greeting. */
  node(
    ipAddr: string,
    port: number,
    sign = `sign of ${ipAddr}`,
    more: Partial<core.NodeInfo> = {},
  ): core.Node {
    return this.context.engine.post((core_, nowMs) =>
      core.onNodeFound(core_, {
        ...{ ipAddr, port, sign, name: `name of ${ipAddr}`, cpus: 2, platform: "Linux" },
        ...{ version: "4.15.2", schedulerIpAddr: HOST, schedulerPort: FAMILY.nodeSide },
        availInfo: null,
        ...more,
      }, nowMs)
    );
  }

  /** A computation on all nodes, whose client is at `clientPort`. */
  computation(clientPort = 1): Computation {
    const { engine, computations, payloads, store } = this.context;
    const compute = { ...REQUEST.compute, xferFiles: [] };
    const setup = {
      host: "*",
      port: null,
      cpus: 0,
      depends: [],
      setupArgs: REQUEST.nodeAllocs[0]!.setupArgs,
      argsAt: null,
    };
    const cluster = engine.post((core_, nowMs) =>
      core.onClusterReceived(core_, "job", {
        allocations: [{ pattern: "*", port: null, cpus: 0, setup }],
        reentrant: false,
        exclusive: false,
        terms: TERMS,
      }, nowMs)
    );
    const computation: Computation = {
      cluster,
      dialect: CURRENT_DIALECT,
      compute: headOf(compute),
      kept: new KeptPayload(
        COMPUTATION_FORM,
        { client: HOST, sizeBytes: 0, kind: "computation" },
        { budget: payloads.budget, store, sending: new TransferBudget(Infinity), journal: null },
        { compute, setupArgs: [] },
      ),
      owner: HOST,
      holding: payloads.budget.hold(HOST, { keptBytes: 0, residentBytes: 0 }),
      clientAuth: "client's",
      nodeAuth: "nodes'",
      client: { hostname: HOST, port: clientPort },
      schedulerIpAddr: HOST,
      files: new FileSet(),
      terms: TERMS,
    };
    computations.add(computation);
    engine.post((core_, nowMs) => {
      core.onScheduleRequested(core_, cluster, nowMs);
      core.onClusterAnnounced(core_, cluster, nowMs);
    });
    return computation;
  }

  /** A port of a peer's at which connections are `serve`d, until the test is over. */
  listen(
    serve: (stream: MessageStream) => Promise<void>,
    { hostname = HOST, port = 0 }: { hostname?: string; port?: number } = {},
  ): { port: number; close(): void } {
    const listener = Deno.listen({ hostname, port });
    const open = new Set<MessageStream>();
    let isOpen = true;
    const close = () => {
      if (isOpen) listener.close();
      isOpen = false;
    };
    this.#stack.defer(() => {
      close();
      for (const stream of open) stream.close();
    });
    const options = { deadlines: this.deadlines, timeoutMs: null };
    void (async () => {
      for await (const connection of listener) {
        const stream = new MessageStream(connection, options);
        open.add(stream);
        serve(stream).catch(() => {}).finally(() => stream.close());
      }
    })();
    return { port: listener.addr.port, close };
  }

  /** Sends something to the node side, which serves it as it serves connections; the peer's end. */
  async connect(): Promise<{ peer: MessageStream; served: Promise<void> }> {
    const listener = Deno.listen({ hostname: HOST, port: 0 });
    const [connection, accepted] = await Promise.all([
      Deno.connect({ hostname: HOST, port: listener.addr.port }),
      listener.accept(),
    ]);
    listener.close();
    const stream = await this.context.nodeTransport.welcome(accepted);
    const guest = this.admission.admit(HOST, () => stream.close());
    if (guest === null) throw new Error("turned away");
    const served = this.nodeSide.serve(stream, FAMILY, guest).finally(() => {
      guest.leave();
      stream.close();
    });
    served.catch(() => {});
    const peer = new MessageStream(connection, { deadlines: this.deadlines, timeoutMs: 2_000 });
    this.#stack.defer(() => peer.close());
    return { peer, served };
  }
}
