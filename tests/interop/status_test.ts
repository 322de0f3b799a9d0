/** What clients are told while things happen, and how clusters end. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { JobStatus, NodeStatus } from "./harness/jobs.ts";
import { NODE_CPUS } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

scenario(
  "cluster_status and job_status tell jobs and nodes in order",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await lab.runClient("status.py");
    const calls = events.filter((line) => line.event === "status")
      .filter((line) => line.status !== NodeStatus.AvailInfo);
    const jobs = events.find((line) => line.event === "jobs");
    ok(jobs);
    for (const [number, id] of jobs.ids.entries()) {
      const last = number === 3 ? JobStatus.Terminated : JobStatus.Finished;
      const own = calls.filter((line) => line.job === id);
      equal(own.map((line) => line.status), [JobStatus.Created, JobStatus.Running, last]);
      const [created, running, done] = own;
      equal([created?.node, running?.node], [null, done?.node]);
      const initialized = calls.findIndex((line) =>
        line.status === NodeStatus.Initialized && line.node === running?.node
      );
      ok(running && calls.indexOf(running) > initialized && initialized >= 0);

      const told = events.filter((line) => line.event === "job_status" && line.job === id);
      equal(told.map((line) => [line.status, line.result, line.node]), [
        [last, number === 3 ? null : number, done?.node],
      ]);
    }
    const initialized = calls.filter((line) => line.status === NodeStatus.Initialized);
    equal(initialized.map((line) => line.node).sort(), [lab.node(1), lab.node(2)]);
    equal(initialized.map((line) => line.cpus), [NODE_CPUS, NODE_CPUS]);
  },
);

scenario(
  "wait, status, print_status, close, `with` and further computations of one client work",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events, output } = await lab.runClient("lifecycle.py");
    equal(
      events.map(({ at: _, ...line }) => line),
      [
        { event: "pending", jobs: 8, waited: false },
        { event: "waited", waited: true, results: [1, 2, 3, 4, 5, 6, 7, 8] },
        {
          event: "status",
          jobs: 0,
          nodes: [
            // The client counts its scheduler as a node without CPUs.
            ["127.0.0.1", null, 0, 0],
            [lab.node(1), "node1", NODE_CPUS, 0],
            [lab.node(2), "node2", NODE_CPUS, 0],
          ],
          done: 8,
        },
        { event: "closed", closed: true },
        { event: "second", results: [0, 2, 4, 6] },
        { event: "left" },
        { event: "both", results: [11, 20] },
      ],
    );
    ok(/^ +Node \| +CPUs \| +Jobs \|/m.test(output), "print_status prints its table");
    for (const name of ["node1", "node2"]) {
      ok(new RegExp(`^ +${name} \\| +${NODE_CPUS} \\| +[1-7] \\|`, "m").test(output), output);
    }
  },
);

scenario("a queued and a running job can be cancelled", { tier: "core" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNode(1, { cpus: 1 });
  const { events } = await lab.runClient("cancel.py");
  const [queued, queuedJob, running, runningJob, last, again] = events;
  equal([queued?.cancelled, running?.cancelled, again?.cancelled], [0, 0, -1]);
  equal([queuedJob?.status, queuedJob?.result], [JobStatus.Cancelled, null]);
  equal([runningJob?.status, runningJob?.result], [JobStatus.Terminated, null]);
  equal([last?.status, last?.result], [JobStatus.Finished, 0.05]);
});

for (const way of ["direct", "relay"]) {
  scenario(`provisional results reach the client (${way})`, { tier: "more" }, async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await lab.runClient("provisional.py", { args: [way] });
    const told = events.filter((line) => line.event === "job_status");
    equal(told.map((line) => [line.status, line.result]), [
      [JobStatus.ProvisionalResult, ["step", 0]],
      [JobStatus.ProvisionalResult, ["step", 1]],
      [JobStatus.ProvisionalResult, ["step", 2]],
      [JobStatus.Finished, ["sent", [0, 0, 0]]],
    ]);
    const job = events.at(-1);
    equal([job?.status, job?.result], [JobStatus.Finished, ["sent", [0, 0, 0]]]);
  });

  scenario(`files a job sends reach the client (${way})`, { tier: "more" }, async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await lab.runClient("files_back.py", { args: [way] });
    const [job, small, big, empty] = events;
    equal([job?.status, job?.result], [JobStatus.Finished, [0, 0, 0, -1]]);
    equal([small?.text, big?.same, empty?.size], ["made on the node", true, 0]);
  });

  scenario(`files a client sends reach the node (${way})`, { tier: "more" }, async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await lab.runClient("files_there.py", { args: [way] });
    const [sent, first, second, nowhere] = events;
    equal(sent?.results, [0, 0]);
    for (const job of [first, second]) {
      equal([job?.same, job?.mode, job?.changed], [true, "0o640", 1000000000]);
    }
    equal(nowhere?.result, -1);
  });
}
