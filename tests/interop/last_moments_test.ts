/** Jobs that are told to end and use their last moments: what they return there is their result. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import type { Client, ClientEvent } from "./harness/client.ts";
import { JobStatus } from "./harness/jobs.ts";
import type { Lab, NodeOptions } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

type LastMoments = "return" | "send" | "raise" | "program";

/** A job that runs, and is told to end by its client, or by its node as `ownArgs` say. */
async function ended(
  lab: Lab,
  then: LastMoments,
  node: NodeOptions,
): Promise<{ client: Client; job: ClientEvent }> {
  await lab.startScheduler();
  await lab.startNode(1, node);
  const traces = await lab.folder("traces");
  const byNode = node.ownArgs === undefined ? [] : ["by_node"];
  const client = await lab.startClient("last_moments.py", {
    args: [then, ...byNode],
    env: { LAB_TRACES: traces },
  });
  await lab.until("the job runs", async () => {
    return await Deno.stat(`${traces}/begun`).then(() => true, () => false);
  });
  await client.go();
  return { client, job: await client.event("job") };
}

for (const kind of ["dispynode", "ours"] as const) {
  const where = kind === "ours" ? "our node" : "a dispynode";

  scenario(
    `what a cancelled job returns at ${where} reaches its client`,
    { tier: "core" },
    async (lab) => {
      const { client, job } = await ended(lab, "return", { kind });
      equal([job.status, job.result], [JobStatus.Finished, "best so far"]);
      equal(job.exception, null);
      await client.succeeded();
    },
  );

  scenario(
    `a file and a provisional result that a cancelled job sends at ${where} reach its client`,
    { tier: "core" },
    async (lab) => {
      const { client, job } = await ended(lab, "send", { kind });
      equal([job.status, job.result, job.file], [JobStatus.Finished, [0, 0], true]);
      equal(client.all("provisional").map(({ result }) => result), ["last guess"]);
      await client.succeeded();
    },
  );

  scenario(
    `what a cancelled job raises at ${where} reaches its client`,
    { tier: "more" },
    async (lab) => {
      const { client, job } = await ended(lab, "raise", { kind });
      equal(job.status, JobStatus.Terminated);
      match(job.exception, /ValueError: cannot save/);
      await client.succeeded();
    },
  );

  scenario(
    `a cancelled program that ends by itself at ${where} is Terminated, with its exit code`,
    { tier: "more" },
    async (lab) => {
      const { client, job } = await ended(lab, "program", { kind });
      equal([job.status, job.result, job.stdout], [JobStatus.Terminated, 0, "saved\n"]);
      await client.succeeded();
    },
  );
}

scenario(
  "what a job returns when its time at our node is up reaches its client, and the reason with it",
  { tier: "more" },
  async (lab) => {
    const ownArgs = ["--job_timeout", "2"];
    const { client, job } = await ended(lab, "return", { kind: "ours", ownArgs });
    equal([job.status, job.result], [JobStatus.Finished, "best so far"]);
    match(job.stderr, /took longer than 2 s/);
    await client.succeeded();
  },
);
