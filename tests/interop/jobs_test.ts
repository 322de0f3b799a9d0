/** Jobs at their odd moments: cancelled on the way, pinned to nodes that are busy, refused. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import type { Client } from "./harness/client.ts";
import { JobStatus, NodeStatus } from "./harness/jobs.ts";
import { scenario } from "./harness/scenario.ts";

const statuses = (jobs: readonly { readonly [field: string]: unknown }[]) =>
  jobs.map((job) => job.status);

scenario(
  "jobs that are cancelled while they are on their way to a node all end, and none is left there",
  { tier: "core", limitMs: 90_000, referenceFails: "a job cancelled on its way runs on" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await lab.runClient("jobs.py", { args: ["cancel_at_once"] });
    const at = events.findIndex((line) => line.event === "cancelled");
    const cancelled = events.slice(1, at);
    equal(cancelled.length, 38);
    for (const job of cancelled) {
      ok([JobStatus.Cancelled, JobStatus.Terminated].includes(job.status), JSON.stringify(job));
    }
    equal(statuses(events.slice(at + 1, at + 7)), Array(6).fill(JobStatus.Finished));
    equal(events.at(-1)?.uids, [0]);
  },
);

scenario(
  "submit_node waits for a node that is busy, and is refused for one that is not there",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2, { cpus: 1 });
    const { events } = await lab.runClient("jobs.py", { args: ["pinned"] });
    const [first, second, nowhere] = events;
    equal([first?.result, second?.result], [[0, lab.node(1)], [1, lab.node(1)]]);
    ok(second?.start >= first?.end - 0.1, "the second job waits for the first");
    equal(nowhere?.job, null);
  },
);

scenario(
  "submit_node is refused for a node that is not allocated",
  { tier: "more" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await lab.runClient("jobs.py", { args: ["not_allocated"] });
    equal(events.map(({ job, status }) => [job, status]), [
      [null, undefined],
      [undefined, JobStatus.Finished],
    ]);
    if (scheduler.lines.some((line) => line.includes("job refused"))) {
      ok(scheduler.lines.some((line) => line.includes("does not use node 127.0.0.3")));
    }
  },
);

scenario(
  "jobs pinned to a node that dies are Cancelled, with the reason, whether they ran or waited",
  { tier: "core", referenceFails: "jobs that wait for a dead node are forgotten" },
  async (lab) => {
    await lab.startScheduler({ args: ["--pulse_interval", "1"] });
    const [node] = await lab.startNodes(2, { cpus: 1 });
    const client = await lab.startClient("jobs.py", { args: ["pinned_to_dead"] });
    await client.event("status", (line) => line.status === JobStatus.Running);
    node?.kill("SIGKILL");
    await client.go();
    await client.succeeded();
    const jobs = client.all("job");
    equal(statuses(jobs), [JobStatus.Cancelled, JobStatus.Cancelled, JobStatus.Finished]);
    for (const job of jobs.slice(0, 2)) match(job.exception, /node 127\.0\.0\.2 is gone/);
    equal(client.all("gone").map((line) => line.job), [null]);
  },
);

scenario(
  "a job whose client says NAK to its uid, or hangs up, is forgotten",
  { tier: "more", referenceFails: "uids are memory addresses: they repeat" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const path = `${await lab.folder("marks")}/marks`;
    const { events } = await lab.runClient("jobs.py", { args: ["not_confirmed", path] });
    equal(events[0]?.given, [true, true, true]);
    equal(events[1]?.result, "wanted");
    equal(await Deno.readTextFile(path), "wanted\n");
  },
);

scenario(
  "jobs bring classes and functions of their own, and do not see those of others",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await lab.runClient("jobs.py", { args: ["classes"] });
    equal(events.slice(0, 6).map((job) => job.result), [0, 10, 400, 90, 1600, 250]);
    equal(events[6]?.status, JobStatus.Terminated);
    match(events[6]?.exception, /NameError: .*'Shape'/);
  },
);

/** Has the client run its four jobs, which must all finish. */
async function batch(client: Client): Promise<void> {
  const batches = client.all("batch").length;
  const before = client.all("job").length;
  await client.go();
  await client.count("batch", batches + 1);
  equal(statuses(client.all("job").slice(before)), Array(4).fill(JobStatus.Finished));
}

scenario(
  "jobs that a node refuses as busy wait in the queue: it has fewer CPUs than it has said",
  { tier: "core", referenceFails: "a job that a node refuses is forgotten" },
  async (lab) => {
    const scheduler = await lab.startScheduler();
    const node = await lab.startNode(1, { takesCommands: true, odd: ["--lose", "NODE_CPUS:"] });
    const client = await lab.startClient("jobs.py", { args: ["paused"] });
    await batch(client);
    await node.send("cpus");
    await node.until("it asks", () => node.lines.find((line) => /number of CPUs/.test(line)));
    await node.send("1");
    await batch(client);
    ok(scheduler.lines.some((line) => /job not started.*busy/.test(line)), "a job was refused");
    await client.process.send("end");
    await client.succeeded();
  },
);

scenario(
  "a node that has dropped the computation without a word is set up again",
  { tier: "core", limitMs: 90_000, referenceFails: "a job that a node refuses is forgotten" },
  async (lab) => {
    // It gives up a computation that has been quiet for 3 s.
    const node = await lab.startNode(1, {
      knowsScheduler: false,
      odd: ["--zombie", "3", "--lose", "TERMINATED:", "--lose", "PING:", "--lose-udp", "PING:"],
    });
    const scheduler = await lab.startScheduler({ args: ["-n", lab.node(1)] });
    const client = await lab.startClient("jobs.py", { args: ["paused"] });
    await batch(client);
    await node.until(
      "it drops the computation",
      () => node.lines.find((line) => /Deleting zombie/.test(line)),
    );
    await batch(client);
    ok(scheduler.lines.some((line) => /job not started.*dropped/.test(line)), "it was refused");
    await client.process.send("end");
    await client.succeeded();
  },
);

for (
  const [how, reason] of [
    ["raise", /setup says no/],
    ["return", /"setup" failed with 7/],
    ["hang", /"setup" has not finished in time/],
  ] as const
) {
  scenario(
    `a node whose setup fails (${how}) is not used, the others are`,
    {
      tier: how === "raise" ? "core" : "more",
      referenceFails: how === "hang"
        ? "it gives the node a job before its setup is over"
        : "a job for a node that cannot be set up waits for ever",
    },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      await lab.startNodes(2, { ownArgs: ["--setup_timeout", "5"] });
      const client = await lab.startClient("jobs.py", { args: ["setup_fails", how] });
      await client.succeeded();
      const jobs = client.all("job");
      equal(jobs.slice(0, 6).map((job) => [job.status, job.result?.[1]]), [
        ...Array(6).fill([JobStatus.Finished, lab.node(2)]),
      ]);
      const initialized = client.all("status").filter((line) =>
        line.status === NodeStatus.Initialized
      );
      equal(initialized.map((line) => line.node), [lab.node(2)]);
      equal(client.all("again").map((line) => line.job), [null]);
      // A job that waited for the node says why it does not run.
      for (const job of jobs.slice(6)) {
        equal(job.status, JobStatus.Cancelled);
        match(job.exception, reason);
      }
      ok(
        scheduler.lines.some((line) => reason.test(line.replaceAll('\\"', '"'))),
        "the log says why",
      );
    },
  );
}
