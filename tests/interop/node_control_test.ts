/** Nodes as they live: their CPUs, exclusive use, farewells, returns, hours of service. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven, type DrivenJob } from "./harness/driven.ts";
import { JobStatus, mostAtOnce, NodeStatus, type Span } from "./harness/jobs.ts";
import { NODE_CPUS, PORTS, SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

const statuses = (jobs: readonly DrivenJob[]) => jobs.map((job) => job.status);
const nodesOf = (jobs: readonly DrivenJob[]) =>
  [...new Set(jobs.map((job) => job.result?.node))].sort();
const atOnce = (jobs: readonly DrivenJob[]) => mostAtOnce(jobs.map((job) => job.result as Span));
const finished = (count: number) => Array(count).fill(JobStatus.Finished);

scenario(
  "close_node(terminate_pending=True) ends the jobs there, without it they finish",
  { tier: "more", referenceFails: "close_node answers None instead of 0" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2, { cpus: 1 });
    const client = await Driven.ready(lab, { wait_nodes: 2 });
    await client.submit(2, [1.5]);
    await client.untilRunning(2);
    equal(await client.call("close_node", lab.node(1), false), 0);
    equal(statuses(await client.results()), finished(2));
    await client.untilNode("Closed", lab.node(1));

    await client.submit(1, [120]);
    await client.untilRunning(3);
    equal(await client.call("close_node", lab.node(2), true), 0);
    equal(statuses(await client.results()), [JobStatus.Terminated]);
    equal(await client.call("allocate_node", lab.node(1)), 0);
    await client.untilNode("Initialized", lab.node(1), 2);
    equal(nodesOf(await client.run(3)), [lab.node(1)]);
    await client.close();
  },
);

scenario(
  "jobs that run on a node that is deallocated finish, the others run elsewhere",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2, { cpus: 1 });
    const client = await Driven.ready(lab, { wait_nodes: 2 });
    await client.submit(4, [1]);
    await client.untilRunning(2);
    equal(await client.call("deallocate_node", lab.node(1)), 0);
    equal(await client.call("deallocate_node", "127.0.0.99"), -1);
    const jobs = await client.results();
    equal(statuses(jobs), finished(4));
    equal(jobs.filter((job) => job.result.node === lab.node(1)).length, 1);
    await client.close();
  },
);

scenario(
  "an exclusive cluster sets its nodes' CPUs, to none and by what is to be left, too",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1, exclusive: true });
    equal(await client.call("set_node_cpus", lab.node(1), 1), 0);
    equal(atOnce(await client.run(4, [0.2])), 1);
    equal(await client.call("set_node_cpus", lab.node(1), 0), 0);
    await client.submit(2, [0.2]);
    equal((await client.results(1)).map((job) => job.done), [false, false]);
    equal(await client.call("set_node_cpus", lab.node(1), NODE_CPUS), 0);
    equal(atOnce(await client.run(4, [0.2])), NODE_CPUS);
    await client.close();
  },
);

scenario(
  "exclusive clusters have their nodes for themselves, clusters on other nodes go on beside them",
  { tier: "core", referenceFails: "an exclusive cluster keeps all others out, wherever they run" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(3);
    const on = (name: string, numbers: number[], exclusive = false) =>
      Driven.start(lab, {
        nodes: numbers.map((n) => lab.node(n)),
        wait_nodes: numbers.length,
        exclusive,
      }, { name: `client ${name}` });
    const first = await on("first", [1]);
    await first.client.event("ready");
    const exclusive = await on("exclusive", [1, 2], true);
    const beside = await on("beside", [3]);
    await beside.client.event("ready");
    const behind = await on("behind", [2, 3]);
    // It overlaps with the exclusive one, which waits for the first one to end.
    equal(nodesOf(await beside.run(4)), [lab.node(3)]);
    equal(nodesOf(await first.run(4)), [lab.node(1)]);
    equal([exclusive, behind].map(({ client }) => client.all("created")), [[], []]);

    await first.close();
    await exclusive.client.event("ready");
    equal(nodesOf(await exclusive.run(8, [0.1])), [lab.node(1), lab.node(2)]);
    equal(behind.client.all("created"), []);
    await beside.submit(2, [1]);
    await exclusive.close();
    await behind.client.event("ready");
    equal(nodesOf(await behind.run(8, [0.1])).at(0), lab.node(2));
    equal(statuses(await beside.results()), finished(2));
    await beside.close();
    await behind.close();
  },
);

scenario(
  "a node's own `cpus` command is followed: fewer, none, all",
  { tier: "core", referenceFails: "clients are not told of a node's CPUs" },
  async (lab) => {
    await lab.startScheduler();
    const node = await lab.startNode(1, { takesCommands: true });
    const other = await lab.startNode(2, { cpus: 1 });
    const client = await Driven.ready(lab, { wait_nodes: 2 });
    const isAsked = () => node.lines.filter((line) => /number of CPUs/.test(line)).length;
    const here = (jobs: DrivenJob[]) => jobs.filter((job) => job.result.node === lab.node(1));
    await node.send("cpus");
    await node.until("it asks", () => isAsked() === 1 || undefined);
    await node.send("1");
    await lab.until("the client knows", async () => {
      return (await client.known())[lab.node(1)]?.cpus === 1;
    });
    equal(atOnce(here(await client.run(8, [0.2]))), 1);

    await node.send("cpus");
    await node.until("it asks", () => isAsked() === 2 || undefined);
    await node.send("0");
    await lab.until("the client knows", async () => {
      return (await client.known())[lab.node(1)]?.cpus === 0;
    });
    equal(nodesOf(await client.run(4, [0.1])), [lab.node(2)]);
    equal(other.exit, undefined);

    await node.send("cpus");
    await node.until("it asks", () => isAsked() === 3 || undefined);
    await node.send(String(NODE_CPUS));
    await lab.until("the client knows", async () => {
      return (await client.known())[lab.node(1)]?.cpus === NODE_CPUS;
    });
    equal(atOnce(here(await client.run(8, [0.3]))), NODE_CPUS);
    await client.close();
  },
);

scenario(
  "a node that quits says so (by UDP): its jobs move at once",
  { tier: "core", referenceFails: "TERMINATED is never honoured" },
  async (lab) => {
    await lab.startScheduler();
    // dispynode sends its farewell from no particular address, which needs a route.
    const route = "ip route add 255.255.255.255 dev lo src 127.0.0.1".split(" ");
    equal(await lab.start("route", route, lab.root).ended(), { code: 0, signal: null });
    // The node ends its jobs and tells so as well; that is a result like any other.
    const node = await lab.startNode(1, { takesCommands: true, odd: ["--lose", "JOB_REPLY:"] });
    const client = await Driven.ready(lab, { wait_nodes: 1, reentrant: true });
    await client.submit(2, [1.5]);
    await client.untilRunning(2);
    await lab.startNode(2);
    await client.untilNode("Initialized", lab.node(2));
    await node.send("quit");
    const asked = Date.now();
    await client.untilNode("Closed", lab.node(1));
    ok(Date.now() - asked < 15_000, "noticed at once");
    const jobs = await client.results();
    equal(statuses(jobs), finished(2));
    equal(nodesOf(jobs), [lab.node(2)]);
    await client.close();
  },
);

scenario(
  "a node that says TERMINATED by TCP, having dropped a quiet computation, is used again",
  { tier: "core", referenceFails: "TERMINATED is never honoured" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1, { odd: ["--zombie", "3"] });
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    equal(statuses(await client.run(2)), finished(2));
    // Anybody may say so: a node that is still there has dropped the computation at most.
    if (SCHEDULER === "ours") {
      await scheduler.until("it has asked the node", () => {
        return scheduler.lines.find((line) => /said farewell and is still there/.test(line));
      });
    } else await client.untilNode("Closed", lab.node(1));
    equal(statuses(await client.run(2)), finished(2));
    equal(client.told(NodeStatus.Initialized).length, 2);
    await client.close();
  },
);

scenario(
  "a node told to exit serves its computation to the end, and is not used afterwards",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    const node = await lab.startNode(1, { takesCommands: true });
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    await node.send("exit");
    await node.until("it says so", () => node.lines.find((line) => /will quit when/.test(line)));
    equal(statuses(await client.run(4)), finished(4));
    await client.close();
    await node.ended();
    await lab.startNode(2);
    const next = await Driven.ready(lab, { wait_nodes: 1 });
    equal(nodesOf(await next.run(4)), [lab.node(2)]);
    await next.close();
  },
);

scenario(
  "a node with --serve 1 serves one computation, the next one goes to other nodes",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    const node = await lab.startNode(1, { args: ["--serve", "1"] });
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    equal(nodesOf(await client.run(4)), [lab.node(1)]);
    await client.close();
    await node.ended();
    await lab.startNode(2);
    const next = await Driven.ready(lab, { wait_nodes: 1 });
    equal(nodesOf(await next.run(4)), [lab.node(2)]);
    await next.close();
  },
);

for (
  const [what, changed] of [
    ["fewer CPUs", { cpus: 1 }],
    ["other ports", { port: PORTS.old }],
  ] as const
) {
  scenario(
    `a node that comes back under its address with ${what} is used as it is now`,
    { tier: "more", referenceFails: "it knows the node by its old mark, and serves one family" },
    async (lab) => {
      await lab.startScheduler({ args: ["--pulse_interval", "1"] });
      const node = await lab.startNode(1);
      const client = await Driven.ready(lab, { wait_nodes: 1, reentrant: true });
      await client.submit(4, [1]);
      await client.untilRunning(NODE_CPUS);
      node.kill("SIGKILL");
      await lab.untilListening(PORTS.current + 1, lab.node(1), false);
      await lab.startNode(1, changed);
      await client.untilNode("Initialized", lab.node(1), 2);
      const jobs = await client.results();
      equal(statuses(jobs), finished(4));
      if ("cpus" in changed) equal(atOnce(await client.run(4, [0.2])), 1);
      await client.close();
    },
  );
}

scenario("a node that answers many times is set up once", { tier: "more" }, async (lab) => {
  const scheduler = await lab.startScheduler({
    args: ["-n", lab.node(1), "-n", lab.node(1), "--ping_interval", "1"],
  });
  await lab.startNode(1);
  // Each client has the nodes asked that it names.
  const clients = await Promise.all(
    ["a", "b", "c"].map((name) =>
      Driven.ready(lab, { wait_nodes: 1, nodes: [lab.node(1), "*"] }, { name: `client ${name}` })
    ),
  );
  for (const client of clients) {
    equal(statuses(await client.run(4)), finished(4));
    equal(client.told(NodeStatus.Initialized).length, 1);
    equal(client.told(NodeStatus.Closed).length, 0);
    await client.close();
  }
  if (SCHEDULER === "ours") {
    equal(scheduler.lines.filter((line) => /node found/.test(line)).length, 1);
  }
});

scenario(
  "clients are told what CPU, memory, disk and swap their nodes have left",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    await lab.startNode(1);
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    const avail = async () => (await client.known())[lab.node(1)]?.avail ?? null;
    const first = await avail();
    ok(first !== null, "known from the beginning");
    // With each pulse of the node, though no job runs.
    await lab.until("it is told again", () => client.told(NodeStatus.AvailInfo).length >= 2);
    const [cpu = -1, memory = -1, disk = -1, swap = -1] = await avail() ?? [];
    ok(cpu >= 0 && cpu <= 100 && swap >= 0 && swap <= 100, `${cpu} % CPU, ${swap} % swap`);
    ok(memory > 1e6 && disk > 1e6, `${memory} bytes of memory, ${disk} bytes of disk`);
    await client.close();
  },
);

/** The time of day so many minutes from now, as dispynode takes it: it means the same second. */
function inMinutes(minutes: number): string {
  const at = new Date(Date.now() + minutes * 60_000);
  return `${at.getHours()}`.padStart(2, "0") + ":" + `${at.getMinutes()}`.padStart(2, "0");
}

scenario(
  "a node is used once its hours of service begin (--service_start), found by --ping_interval",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler({ args: ["--ping_interval", "1"] });
    const opens = Date.now() / 1000 + 4;
    await lab.startNode(1, {
      // After 4 seconds its clock says that its service has begun.
      odd: ["--ahead", "90", "--from", "4"],
      args: ["--service_start", inMinutes(1), "--service_end", inMinutes(30)],
    });
    const client = await Driven.ready(lab);
    equal(statuses(await client.run(2)), finished(2));
    const [initialized] = client.told(NodeStatus.Initialized);
    ok(initialized && initialized.at >= opens - 0.5, "not before its service begins");
    await client.close();
  },
);

scenario(
  "a node that refuses a computation, being out of service, is asked again later",
  { tier: "more", referenceFails: "it asks a node that has refused never again" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNode(1, {
      // Between its 3rd and its 10th second its service is over.
      odd: ["--ahead", "150", "--from", "3", "--until", "10"],
      args: ["--service_start", inMinutes(-1), "--service_end", inMinutes(2)],
    });
    const said = (words: RegExp) => () => scheduler.lines.find((line) => words.test(line));
    await scheduler.until("node found", said(/node found|Discovered/));
    await new Promise((resolve) => setTimeout(resolve, 3500));
    const client = await Driven.ready(lab);
    await client.submit(2, [0.05]);
    await scheduler.until("refused", said(/node not set up|Failed to setup/));
    equal(statuses(await client.results()), finished(2));
    await client.close();
  },
);
