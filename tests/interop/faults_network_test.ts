/** Cables that are pulled, plugged in again, and slow, between real peers. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob, type DrivenOptions } from "./harness/driven.ts";
import { cut, heal, slow } from "./harness/faults.ts";
import { JobStatus, NodeStatus } from "./harness/jobs.ts";
import { Ledger } from "./harness/ledger.ts";
import type { Client } from "./harness/client.ts";
import { clientOn, type Machine, type Network, networkScenario } from "./harness/network.ts";
import type { LabProcess } from "./harness/process.ts";

const SCHEDULER = "10.7.0.1";
const NODES = ["10.7.0.11", "10.7.0.12"] as const;

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const finished = (count: number) => Array(count).fill(JobStatus.Finished);
const numbers = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.result?.number);
const countTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** A scheduler, two nodes with a CPU each, and clients, every one on a machine of its own. */
interface Cluster {
  readonly scheduler: LabProcess;
  readonly nodes: readonly LabProcess[];
  readonly machines: {
    readonly scheduler: Machine;
    readonly nodes: readonly [Machine, Machine];
    readonly clients: readonly [Machine, Machine];
  };
  /** In which jobs of the function `mark` tell that they run. */
  readonly ledger: Ledger;
  client(index: 0 | 1, options?: DrivenOptions): Promise<Driven>;
}

async function startCluster(net: Network, pulseS = 1): Promise<Cluster> {
  const lan = await net.switch();
  const machine = (name: string, address: string) => net.machine(name, [[lan, `${address}/24`]]);
  const scheduler = await machine("scheduler", SCHEDULER);
  const [one, two] = [await machine("one", NODES[0]), await machine("two", NODES[1])];
  const [a, b] = [await machine("a", "10.7.0.21"), await machine("b", "10.7.0.22")];
  const process = await net.startScheduler(scheduler, {
    args: ["--pulse_interval", String(pulseS), "--msg_timeout", "3"],
  });
  const nodes = [
    await net.startNode(one, { args: ["-c", "1"] }),
    await net.startNode(two, { args: ["-c", "1"] }),
  ];
  await net.untilFound(process, ...NODES);
  return {
    scheduler: process,
    nodes,
    machines: { scheduler, nodes: [one, two], clients: [a, b] },
    ledger: await Ledger.create(net.lab),
    client: (index, options) => {
      const place = clientOn(index === 0 ? a : b, { scheduler: SCHEDULER });
      return Driven.ready(net.lab, { wait_nodes: 2, ...options }, place);
    },
  };
}

/** Waits until so many jobs have begun, by what they themselves say. */
async function untilBegun(net: Network, ledger: Ledger, count: number): Promise<void> {
  await net.lab.until(
    `${count} jobs have begun`,
    async () => (await ledger.runs()).length >= count,
  );
}

function untilStatus(client: Client, status: number, node: string): Promise<unknown> {
  return client.event("status", (line) => line.status === status && line.node === node);
}

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

networkScenario(
  "a node's network that fails for less than five pulses costs no job, and none runs twice",
  { tier: "core" },
  async (net) => {
    const { machines, ledger, ...cluster } = await startCluster(net);
    const client = await cluster.client(0, { function: "mark" });
    await client.submit(10, [0.4, ledger.path]);
    await untilBegun(net, ledger, 2);
    await cut(net, machines.nodes[0]);
    // The time of the fault is what is tested: jobs end meanwhile, and their results are held.
    await after(3_000);
    await heal(net, machines.nodes[0]);
    const jobs = await client.results();
    equal(statuses(jobs), finished(10));
    equal(numbers(jobs), countTo(10));
    equal(await ledger.runs(), countTo(10));
    equal(client.told(NodeStatus.Closed), []);
    await client.close();
  },
);

networkScenario(
  "results that a node could not bring are fetched, also the second time, when it no longer " +
    "offers them",
  { tier: "core", limitMs: 120_000, referenceFails: "the second one stays with the node" },
  async (net) => {
    const { machines, ledger, nodes: [node], ...cluster } = await startCluster(net, 4);
    const client = await cluster.client(0, { function: "mark", nodes: [NODES[0]], wait_nodes: 1 });
    for (const round of [1, 2]) {
      await client.submit(1, [1, ledger.path]);
      await untilBegun(net, ledger, round);
      await cut(net, machines.nodes[0]);
      await node!.until(`it keeps result ${round}`, () => {
        const kept = node!.lines.filter((line) => line.includes("Could not send reply"));
        return kept.length >= round || undefined;
      });
      await heal(net, machines.nodes[0]);
      equal(statuses(await client.results()), finished(1));
    }
    equal(await ledger.runs(), [0, 0]);
    equal(client.told(NodeStatus.Closed), []);
    await client.close();
  },
);

networkScenario(
  "a node that is cut off for longer is given up: its reentrant jobs move and finish once; " +
    "when the cable is back it is used again",
  { tier: "core", limitMs: 90_000, referenceFails: "a migrated job never finishes" },
  async (net) => {
    const { machines, ledger, ...cluster } = await startCluster(net);
    const client = await cluster.client(0, { function: "mark", reentrant: true });
    await client.submit(6, [1.5, ledger.path]);
    await untilBegun(net, ledger, 2);
    await cut(net, machines.nodes[0]);
    await untilStatus(client.client, NodeStatus.Closed, NODES[0]);
    const jobs = await client.results();
    equal(statuses(jobs), finished(6));
    equal(numbers(jobs), countTo(6));
    const runs = await ledger.runs();
    equal([new Set(runs).size, runs.length], [6, 7], `one moved: ${runs}`);

    await heal(net, machines.nodes[0]);
    await client.untilNode("Initialized", NODES[0], 2);
    const more = await client.run(6, [0.3, ledger.path]);
    equal(statuses(more), finished(6));
    equal([...new Set(more.map((job) => job.node))].sort(), [...NODES]);
    await client.close();
  },
);

networkScenario(
  "a node that is cut off for longer: its job that may not run twice is Cancelled, once, " +
    "and its late result changes nothing",
  { tier: "core", limitMs: 90_000, referenceFails: "it says Abandoned, against its manual" },
  async (net) => {
    const { machines, ledger, scheduler, ...cluster } = await startCluster(net);
    const client = await cluster.client(0, { function: "mark" });
    await client.submit(2, [3, ledger.path]);
    await untilBegun(net, ledger, 2);
    await cut(net, machines.nodes[0]);
    const jobs = await client.results();
    equal(statuses(jobs).sort((a, b) => a - b), [JobStatus.Cancelled, JobStatus.Finished]);
    await heal(net, machines.nodes[0]);
    await client.untilNode("Initialized", NODES[0], 2);
    const more = await client.run(4, [0.2, ledger.path]);
    equal(statuses(more), finished(4));
    ok(!scheduler.lines.some((line) => /does not know a job of its own/.test(line)));
    await client.close();
  },
);

networkScenario(
  "results wait for a client whose network is cut, others are served as ever",
  { tier: "core" },
  async (net) => {
    const { machines, ledger, scheduler, ...cluster } = await startCluster(net);
    const away = await cluster.client(0, { function: "mark" });
    const other = await cluster.client(1);
    await away.submit(6, [0.4, ledger.path, 100_000]);
    await untilBegun(net, ledger, 1);
    await cut(net, machines.clients[0]);
    await untilBegun(net, ledger, 6);
    const asked = Date.now();
    equal(statuses(await other.run(6, [0.1])), finished(6));
    ok(Date.now() - asked < 5_000, `the other waited ${Date.now() - asked} ms`);
    await scheduler.until("a result cannot be brought", () => {
      return scheduler.lines.find((line) => /not delivered yet|Could not send reply/.test(line));
    });
    await heal(net, machines.clients[0]);
    const jobs = await away.results();
    equal(statuses(jobs), finished(6));
    equal(numbers(jobs), countTo(6));
    equal(await ledger.runs(), countTo(6));
    await away.close();
    await other.close();
  },
);

networkScenario(
  "the scheduler's own network fails and heals: no job is lost or runs twice",
  { tier: "core" },
  async (net) => {
    const { machines, ledger, ...cluster } = await startCluster(net);
    const clients = [
      await cluster.client(0, { function: "mark" }),
      await cluster.client(1, { reentrant: true }),
    ];
    await clients[0]!.submit(8, [0.4, ledger.path]);
    await clients[1]!.submit(8, [0.4]);
    await untilBegun(net, ledger, 1);
    await cut(net, machines.scheduler);
    await after(3_000);
    await heal(net, machines.scheduler);
    for (const client of clients) {
      const jobs = await client.results();
      equal(statuses(jobs), finished(8));
      equal(numbers(jobs), countTo(8));
    }
    equal(await ledger.runs(), countTo(8));
    for (const client of clients) await client.close();
  },
);

/** Python: how long it takes to connect to the scheduler, in seconds. */
const CONNECT_TIME = "import socket, sys, time; start = time.time(); " +
  "socket.create_connection((sys.argv[1], 9702)); print(time.time() - start)";

for (const who of ["nodes", "clients"] as const) {
  networkScenario(
    `with 200 ms of delay and 5 % of packets lost on the way from its ${who}, ` +
      "a cluster works on: all jobs finish, once",
    { tier: "core", limitMs: 120_000 },
    async (net) => {
      const { machines, ledger, ...cluster } = await startCluster(net);
      for (const machine of machines[who]) {
        await slow(net, machine, { delayMs: 200, lossPercent: 5 });
        const tookS = Number(
          await net.run(machine, `${net.lab.venv.python} -c '${CONNECT_TIME}' ${SCHEDULER}`),
        );
        ok(tookS >= 0.2, `a connection took ${tookS} s`);
      }
      const client = await cluster.client(0, { function: "mark" });
      await client.submit(20, [0.1, ledger.path, 50_000]);
      const jobs = await client.results();
      equal(statuses(jobs), finished(20));
      equal(numbers(jobs), countTo(20));
      equal(await ledger.runs(), countTo(20));
      equal(client.told(NodeStatus.Closed), []);
      await client.close();
    },
  );
}
