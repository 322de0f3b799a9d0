/** What programs with our own client are told while things happen, and how clusters end. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { NODE_CPUS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient } from "./own_clients/start.ts";

scenario(
  "own client: onNode and onJob tell nodes and jobs in order",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await runOwnClient(lab, "status.ts", { args: ["order"] });
    const jobs = events.find((line) => line.event === "jobs");
    ok(jobs);
    for (const [number, id] of jobs.ids.entries()) {
      const own = events.filter((line) => line.event === "told" && line.job === id);
      const last = number === 3 ? "Terminated" : "Finished";
      equal(own.map((line) => line.told), ["Created", "Running", last]);
      const [created, running, done] = own;
      equal([created?.node, running?.node], [null, done?.node]);
    }
    const initialized = events.filter((line) => line.told === "Initialized");
    equal(initialized.map((line) => line.node).sort(), [lab.node(1), lab.node(2)]);
    equal(initialized.map((line) => line.cpus), [NODE_CPUS, NODE_CPUS]);
  },
);

scenario(
  "own client: onWaiting tells why jobs wait, and that they wait no longer",
  { tier: "core", referenceFails: "it cannot be asked" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "status.ts", { args: ["waiting"] });
    equal(events.map(({ at: _, ...line }) => line), [
      { event: "waits", kinds: ["no_node_matches"] },
      { event: "result", result: 9 },
      { event: "waits", kinds: [] },
    ]);
  },
);

scenario(
  "own client: wait, results, nodes, close, and several clusters of one program work",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await runOwnClient(lab, "status.ts", { args: ["lifecycle"] });
    equal(events.map(({ at: _, ...line }) => line), [
      { event: "pending", jobs: 8 },
      { event: "waited", ids: [1, 2, 3, 4, 5, 6, 7, 8], results: [1, 2, 3, 4, 5, 6, 7, 8] },
      {
        event: "status",
        nodes: [[lab.node(1), "node1", NODE_CPUS, 0], [lab.node(2), "node2", NODE_CPUS, 0]],
        done: 8,
      },
      { event: "closed", error: "ClosedError" },
      { event: "both", results: [11, 20] },
    ]);
  },
);

scenario(
  "own client: a queued job is cancelled by its signal, a running one by cancel()",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { cpus: 1 });
    const { events } = await runOwnClient(lab, "status.ts", { args: ["cancel"] });
    equal(events.map((job) => [job.status, job.result, job.error]), [
      ["Cancelled", null, "JobCancelledError"],
      ["Terminated", null, "JobCancelledError"],
      ["Finished", 0.05, null],
      ["Cancelled", null, "JobCancelledError"],
    ]);
  },
);

for (const way of ["direct", "relay"]) {
  scenario(`own client: provisional results reach it (${way})`, { tier: "more" }, async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "status.ts", { args: ["provisional", way] });
    const steps = [["step", 0], ["step", 1], ["step", 2]];
    const of = (event: string) =>
      events.filter((line) => line.event === event).map((line) => line.result);
    equal([of("told"), of("iterated")], [steps, steps]);
    const job = events.at(-1);
    equal([job?.status, job?.result], ["Finished", ["sent", [0, 0, 0]]]);
  });

  scenario(`own client: files a job sends reach it (${way})`, { tier: "more" }, async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const folder = await lab.folder("received");
    const { events } = await runOwnClient(lab, "status.ts", { args: ["filesBack", way, folder] });
    equal(events.filter((line) => line.event === "file").map((line) => line.sizeBytes), [
      "made on the node".length,
      256 * 12000,
      0,
    ]);
    const job = events.find((line) => line.event === "job");
    equal([job?.status, job?.result], ["Finished", [0, 0, 0, -1]]);
    equal(await Deno.readTextFile(`${folder}/small.txt`), "made on the node");
    const content = Uint8Array.from({ length: 256 * 12000 }, (_, at) => at % 256);
    const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    equal(sha256(await Deno.readFile(`${folder}/sub/big.bin`)), sha256(content));
    equal((await Deno.stat(`${folder}/empty`)).size, 0);
  });

  scenario(`own client: files it sends reach the node (${way})`, { tier: "more" }, async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await runOwnClient(lab, "status.ts", { args: ["filesThere", way] });
    equal(events.map(({ at: _, ...line }) => line), [
      { event: "job", same: true, mode: 0o640, changed: 1_000_000_000 },
      { event: "job", same: true, mode: 0o640, changed: 1_000_000_000 },
      { event: "nowhere", error: "FileTransferError" },
    ]);
  });
}

scenario(
  "own client: without a folder for them, files of jobs are refused",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "status.ts", { args: ["filesBack", "direct"] });
    equal(events.map((line) => [line.event, line.result]), [["job", [-1, -1, -1, -1]]]);
  },
);
