/**
 * A whole small world made from one seed: a scheduler, nodes, clients and what befalls them.
 *
 * First everything goes wrong that may, then the faults stop and the network heals; from then
 * on every job must come to its end.
 *
 * @module
 */

import { earliestJob, earlyCluster, fairCluster, Outcome } from "../../src/core/mod.ts";
import { Clock } from "./clock.ts";
import { type Env, type Faults, someFaults } from "./env.ts";
import { Fairness } from "./fairness.ts";
import { FakeClient } from "./fake_client.ts";
import { FakeNode, PULSE_INTERVAL_MS } from "./fake_node.ts";
import { FakeServer } from "./fake_server.ts";
import { Network } from "./network.ts";
import { Prng } from "./prng.ts";
import { Broken, Story } from "./story.ts";

const ZOMBIE_INTERVAL_MS = 60_000;
/** After the faults have stopped, all must be over in so much time. */
const PATIENCE_MS = 8 * 3_600_000;
/** So long after the faults have stopped: longer than any message is under way. */
const RELENT_MS = 3_000;
/** Longest that the scheduler stays down. */
const MAX_DOWN_MS = 120_000;

/** Ways to keep the scheduler's state. */
const KEEPING = ["crash", "power"] as const;

/** What may go wrong in a world. */
type Mood =
  /** Nothing: so nothing may be refused or repeated. */
  | "calm"
  /** The scheduler is killed, and nothing else: so no result may be lost. */
  | "killed"
  /** All. */
  | "stormy";

/** The moods of worlds, in turn. */
const MOODS: readonly Mood[] = [
  "calm",
  "stormy",
  "stormy",
  "killed",
  "stormy",
  "stormy",
  "killed",
  "stormy",
];

/** What became of a seed. */
export interface Verdict {
  readonly seed: number;
  /** What does not hold; none where all is well. */
  readonly problems: readonly string[];
  /** The last that happened, where the story was to be told. */
  readonly story: readonly string[];
  readonly jobs: number;
  /** How many CPUs were given to clusters that competed for them, where fairness was watched. */
  readonly watched: number;
  /** How often the scheduler was started. */
  readonly lives: number;
  readonly endMs: number;
}

/** Plays the world of `seed`; `linesKept` > 0 to have the end of its story. */
export function play(seed: number, linesKept = 0): Verdict {
  const world = new World(seed, new Story(linesKept > 0, linesKept));
  let problems: readonly string[] = [];
  try {
    world.run();
  } catch (error) {
    problems = error instanceof Broken
      ? error.problems
      : [error instanceof Error ? error.stack ?? error.message : String(error)];
  }
  const { env, server } = world;
  return {
    seed,
    problems,
    story: env.story.lines,
    jobs: server.ledger.entries.size,
    watched: world.fairness?.watched ?? 0,
    lives: server.lives,
    endMs: env.clock.nowMs,
  };
}

class World {
  readonly env: Env;
  readonly server: FakeServer;
  readonly nodes: FakeNode[];
  readonly clients: FakeClient[];
  readonly mood: Mood;
  readonly fairness: Fairness | null;
  /** It ends with a shutdown instead of all clients closing their clusters. */
  readonly isShutDown: boolean;
  readonly #faultsEndMs: number;
  /** The part of the faults that befalls nodes; the others befall clients. */
  readonly #nodeFaultRate: number;
  /** The part of the faults that befalls the scheduler. */
  readonly #schedulerFaultRate: number;
  /** The part of the faults of nodes that ends their processes. */
  readonly #crashRate: number;
  #isHealed = false;

  constructor(seed: number, story: Story) {
    const prng = new Prng(seed);
    const clock = new Clock();
    const mood = this.mood = MOODS[seed % MOODS.length]!;
    const isStormy = mood === "stormy";
    this.isShutDown = isStormy && prng.chance(0.2);
    this.#faultsEndMs = prng.int(20, 120) * 1_000;
    this.#nodeFaultRate = prng.pick([0.1, 0.5, 0.9]);
    this.#schedulerFaultRate = mood === "killed" ? 1 : prng.pick([0, 0.1, 0.4]);
    this.#crashRate = prng.pick([0, 0.05, 0.3]);
    const rate = (max: number) => !isStormy || prng.chance(0.4) ? 0 : prng.next() * max;
    const network = new Network(clock, prng, {
      lossRate: rate(0.2),
      doubleRate: rate(0.3),
      maxLatencyMs: prng.pick([20, 200, 2_000]),
    });
    this.env = { clock, prng, network, story, faults: someFaults(rate, prng) };
    const policy = prng.pick([earliestJob, fairCluster, earlyCluster]);
    const durability = prng.pick(mood === "killed" ? KEEPING : [...KEEPING, "off"] as const);
    this.fairness = mood === "calm" && policy === fairCluster ? new Fairness() : null;
    this.server = new FakeServer(
      this.env,
      {
        policy,
        pulseIntervalMs: PULSE_INTERVAL_MS,
        zombieIntervalMs: ZOMBIE_INTERVAL_MS,
        cooperative: prng.chance(0.5),
        firstId: prng.int(1, 1_000_000),
      },
      durability,
      this.fairness,
    );
    this.nodes = Array.from(
      { length: prng.int(1, 5) },
      (_, i) => {
        const ipAddr = `10.0.${i % 2}.${i + 1}`;
        return new FakeNode(this.env, this.server, ipAddr, prng.int(1, 4), this.#onStart);
      },
    );
    for (const node of this.nodes) {
      this.server.nodes.set(node.ipAddr, node);
      node.announce();
    }
    this.clients = Array.from(
      { length: prng.int(1, 4) },
      (_, i) =>
        new FakeClient(this.env, this.server, `c${i}`, {
          clusters: prng.int(1, 6),
          maxJobs: prng.pick([3, 15, 40]),
          maxJobMs: prng.pick([100, 3_000, 10_000, 30_000]),
          exclusiveRate: prng.pick([0, 0, 0.3]),
          pinnedRate: isStormy ? prng.pick([0, 0.2, 0.6]) : 0,
          provisionalRate: prng.pick([0, 0.3]),
          endlessRate: isStormy ? prng.pick([0, 0, 0.2]) : 0,
          impatience: isStormy ? prng.pick([0, 0.5]) : 0,
        }),
    );
    if (isStormy) this.#faultAfter(prng.pick([200, 1_000, 4_000]));
    if (mood === "killed") this.#faultAfter(prng.pick([3_000, 10_000, 30_000]));
    if (this.isShutDown) {
      const shutDown = () => this.server.shutDown();
      clock.after(prng.int(5_000, this.#faultsEndMs + 20_000), shutDown);
    }
  }

  run(): void {
    const { clock } = this.env;
    clock.run(this.#faultsEndMs);
    this.#heal();
    const isOver = () => this.#isQuiet();
    for (let steps = PATIENCE_MS / 1_000; !isOver(); steps--) {
      if (steps === 0) throw new Broken(this.#unfinished());
      clock.run(clock.nowMs + 1_000);
    }
    // What was forgotten last is forgotten by the journal, too.
    clock.run(clock.nowMs + 2_000);
    const problems = [...this.#leaks(), ...this.#wrongResults()];
    if (problems.length > 0) throw new Broken(problems);
  }

  /** Something goes wrong, again and again, about every `meanMs`. */
  #faultAfter(meanMs: number): void {
    const { clock, prng } = this.env;
    clock.after(prng.int(1, 2 * meanMs), () => {
      if (this.#isHealed) return;
      if (this.server.disk !== null && prng.chance(this.#schedulerFaultRate)) {
        this.#botherScheduler();
      } else if (prng.chance(this.#nodeFaultRate)) this.#botherNode(prng.pick(this.nodes));
      else this.#botherClient(prng.pick(this.clients));
      this.#faultAfter(meanMs);
    });
  }

  #botherScheduler(): void {
    const { clock, prng, faults } = this.env;
    const { server } = this;
    const what = prng.int(0, 9);
    if (!server.isUp) {
      server.restart();
    } else if (!server.runs && prng.chance(0.8)) {
      return;
    } else if (server.isShutDown) {
      return;
    } else if (what === 0 && this.mood === "stormy") {
      this.#tell("the disk is full for a while");
      const { writeFails } = faults;
      faults.writeFails = 1;
      clock.after(prng.int(10, 10_000), () => faults.writeFails = this.#isHealed ? 0 : writeFails);
    } else {
      const downMs = prng.int(1, prng.pick([100, 5_000, MAX_DOWN_MS]));
      if (what === 1) server.suspend(downMs);
      else if (what === 2) server.stop(downMs);
      else if (what >= 7) server.killAfterNext(downMs);
      else if (what <= 5 && server.disk?.durability === "power") {
        server.kill("power failure", downMs);
      } else server.kill("killed", downMs);
    }
  }

  #botherNode(node: FakeNode): void {
    const { clock, prng } = this.env;
    const { peer, ipAddr } = node;
    const happens = (what: string) => this.#tell(`node ${ipAddr} ${what}`);
    const what = prng.int(2, 8);
    if (!peer.isUp) {
      happens("starts again");
      node.restart();
    } else if (prng.chance(this.#crashRate)) {
      const isPolite = prng.chance(0.5);
      happens(isPolite ? "leaves" : "crashes");
      if (isPolite) node.leave();
      else node.crash();
      clock.after(prng.int(500, 30_000), () => node.restart());
    } else if (what === 7) {
      this.server.forgeReply();
    } else if (what === 8) {
      this.server.limitNode(ipAddr, prng.pick([null, null, 0, 1, 2]));
    } else if (what === 2) {
      happens("stops for a while");
      peer.isPaused = true;
      clock.after(prng.int(500, 20_000), () => peer.resume());
    } else if (what === 3) {
      happens("is cut off");
      peer.isCutOff = true;
      clock.after(prng.int(500, 20_000), () => peer.isCutOff = false);
    } else if (what === 4) {
      happens("drops what is idle");
      node.dropIdle();
    } else if (what === 5) {
      const cpus = prng.pick([0, 1, node.fullCpus]);
      happens(`is to offer ${cpus} CPUs`);
      node.setCpus(cpus);
    } else {
      happens("introduces itself again");
      node.announce();
    }
  }

  #botherClient(client: FakeClient): void {
    const { clock, prng } = this.env;
    if (client.isDone) return;
    const happens = (what: string) => this.#tell(`client ${client.name} ${what}`);
    const what = prng.int(0, 12);
    if (what <= 3) {
      client.cancelSome();
    } else if (what <= 7) {
      client.changeNode();
    } else if (what === 8) {
      happens("is cut off");
      client.peer.isCutOff = true;
      clock.after(prng.int(500, 90_000), () => client.comeBack());
    } else if (what === 9) {
      happens("stops for a while");
      client.peer.isPaused = true;
      clock.after(prng.int(500, 20_000), () => client.peer.resume());
    } else if (what === 10 && prng.chance(0.1)) {
      happens("dies");
      client.die();
    } else if (what === 12 && prng.chance(0.1)) {
      this.server.cancelCluster();
    }
  }

  /** From here on nothing goes wrong any more. */
  #heal(): void {
    const { faults, network, prng } = this.env;
    this.#isHealed = true;
    this.#tell("the world is healed");
    this.server.spare();
    network.weather.lossRate = network.weather.doubleRate = 0;
    for (const fault of Object.keys(faults) as Array<keyof Faults>) faults[fault] = 0;
    this.server.resume();
    this.server.restart();
    for (const { ipAddr } of this.nodes) this.server.limitNode(ipAddr, null);
    for (const [i, node] of this.nodes.entries()) {
      node.peer.isCutOff = false;
      node.peer.resume();
      // All but one may be gone for ever; those that are there are found by their pulses.
      if (i > 0 && this.mood === "stormy" && prng.chance(0.2)) {
        this.#tell(`node ${node.ipAddr} is gone for ever`);
        node.isGone = true;
        node.crash();
      } else {
        // Its owner starts it again.
        if (node.isMuteForGood) node.crash();
        node.restart();
        this.#onceUp(() => this.#introduce(node));
      }
    }
    for (const client of this.clients) {
      client.peer.isCutOff = false;
      client.peer.resume();
    }
    // Clients that have asked for too little see that.
    this.#onceUp(() => this.clients.forEach((client) => client.relent()));
  }

  /** Has `action` happen a while after the scheduler's last start. */
  #onceUp(action: () => void): void {
    this.env.clock.after(RELENT_MS, () => {
      if (this.server.isUp) action();
      else this.#onceUp(action);
    });
  }

  /** Has the scheduler know `node` as it is, where news of it were lost or came in a wrong order. */
  #introduce(node: FakeNode): void {
    if (this.server.core.nodes.get(node.ipAddr)?.info.sign !== node.sign) node.announce();
    // Not before it is known.
    this.env.clock.after(RELENT_MS, () => node.setCpus(node.fullCpus));
  }

  /** Nothing will happen any more, but for the pulses. */
  #isQuiet(): boolean {
    const { core } = this.server;
    // One that was killed has yet to start again and see what is left.
    if (!this.server.isUp && !this.server.isShutDown) return false;
    if (core.jobs.size + core.offered.size + core.inventoried.size > 0) return false;
    for (const client of this.clients) {
      if (client.isDone) continue;
      if (!this.server.isShutDown || client.missing().length > 0) return false;
    }
    for (const cluster of core.clusters.values()) {
      // What nobody will ever fetch is kept.
      if (cluster.state !== "closed" || !this.server.ownerOf(cluster).isDead) return false;
    }
    return true;
  }

  /** Why the world does not come to rest. */
  #unfinished(): string[] {
    const { core } = this.server;
    const problems: string[] = [];
    for (const job of core.jobs.values()) {
      const where = job.share ? ` on ${job.share.node.ipAddr}` : "";
      problems.push(`job ${job.uid} is still ${job.state}${where}`);
    }
    for (const client of this.clients) {
      if (client.isDead) continue;
      for (const { uid } of client.missing()) {
        problems.push(`client ${client.name} has no result of job ${uid}`);
      }
      if (!client.isDone && !this.server.isShutDown) {
        problems.push(`client ${client.name} is not done`);
      }
    }
    for (const { id, state, shares, deliveries } of core.clusters.values()) {
      const used = [...shares.values()].map((share) => `${share.node.ipAddr} ${share.state}`);
      problems.push(`cluster ${id} is ${state}: [${used}], ${deliveries.size} results`);
    }
    return problems;
  }

  /** What is kept although nobody needs it any more. */
  #leaks(): string[] {
    const { core } = this.server;
    const problems: string[] = [];
    const sizes: Array<[string, number]> = [
      ["jobs", core.jobs.size],
      ["offered", core.offered.size],
      ["inventoried", core.inventoried.size],
      ["waiting", core.waiting.length],
      ["runnable", core.runnable.size],
      ["weightedRunnable", core.weightedRunnable],
      ["pinnedReady", core.pinnedReady.size],
      ["terminating", core.terminating.size],
      ["changedShares", core.changedShares.size],
    ];
    for (const [what, size] of sizes) if (size > 0) problems.push(`${what} keeps ${size}`);
    for (const node of core.nodes.values()) {
      if (node.shares.size > 0 || node.busy > 0) problems.push(`${node.ipAddr} is still in use`);
    }
    const { disk } = this.server;
    for (const table of ["share", "job", "job_place"] as const) {
      const rows = disk?.count(table) ?? 0;
      if (rows > 0) problems.push(`the journal keeps ${rows} rows of ${table}`);
    }
    return problems;
  }

  #wrongResults(): string[] {
    const problems: string[] = [];
    const { entries, refusals } = this.server.ledger;
    const isCalm = this.mood === "calm";
    if (isCalm && refusals > 0) problems.push(`${refusals} jobs were refused, without need`);
    for (
      const { uid, client, runs, starts, isAccepted, isForgotten, isReentrant } of entries.values()
    ) {
      if (isAccepted && !isForgotten) problems.push(`job ${uid} was never forgotten`);
      const result = client.jobs.get(uid)?.result;
      const status = result?.status;
      const isFinished = status === Outcome.Finished;
      if (isFinished && starts === 0) {
        problems.push(`job ${uid} is said to have finished, but did not run`);
      }
      if (isCalm && (runs !== 1 || starts !== 1)) {
        problems.push(`job ${uid} ran ${starts} times, not once`);
      }
      // Of a job that was on its way to its node when the scheduler was killed, nobody can tell.
      const isLost = this.mood === "killed" && status === Outcome.Abandoned && starts === 0 &&
        !isReentrant;
      const isOwed = this.mood !== "stormy" && isAccepted && client.jobs.has(uid);
      if (isOwed && !isFinished && !isLost) problems.push(`job ${uid} ended as ${status}`);
    }
    return problems;
  }

  /** A node starts a job. */
  readonly #onStart = (uid: number): void => {
    const problem = this.server.ledger.start(uid);
    if (problem !== null) throw new Broken([problem]);
  };

  #tell(line: string): void {
    this.env.story.tell(this.env.clock.nowMs, () => `*** ${line}`);
  }
}
