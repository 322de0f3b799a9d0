/** Clusters of our own client that are their own scheduler. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import { Certificates, OPENSSL_AVAILABLE } from "../unit/net/certificates.ts";
import { type Lab, SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient, startOwnClient } from "./own_clients/start.ts";

async function checkJobs(lab: Lab, options: Record<string, unknown>): Promise<void> {
  const args = [JSON.stringify({ waitNodes: 2, ...options })];
  const { events } = await runOwnClient(lab, "job_cluster.ts", { args });
  equal(
    events.map((line) => [line.event, line.status, line.result]),
    [
      ...Array.from({ length: 8 }, (_, number) => ["job", "Finished", [number, 0]]),
      ["closed", undefined, undefined],
    ],
  );
  equal([...new Set(events.slice(0, 8).map((job) => job.node))].sort(), [
    lab.node(1),
    lab.node(2),
  ]);
}

if (SCHEDULER === "ours") {
  scenario(
    "own client: JobCluster needs no scheduler, and leaves its nodes to the next",
    { tier: "core" },
    async (lab) => {
      await lab.startNodes(2, { knowsScheduler: false, args: ["-s", "node-s3cret"] });
      const options = { nodes: [lab.node(1), lab.node(2)], nodeSecret: "node-s3cret" };
      await checkJobs(lab, options);
      await checkJobs(lab, options);
    },
  );

  scenario(
    "own client: JobCluster speaks TLS with its nodes",
    {
      tier: "more",
      unavailable: OPENSSL_AVAILABLE ? undefined : "there is no openssl to make certificates with",
    },
    async (lab) => {
      await using certificates = await Certificates.open();
      const { certFile, keyFile } = await certificates.selfSigned("ec", true);
      const args = ["--certfile", certFile, "--keyfile", keyFile];
      await lab.startNodes(2, { knowsScheduler: false, args });
      await checkJobs(lab, {
        nodes: [lab.node(1), lab.node(2)],
        nodeTls: { certFile, keyFile },
      });
    },
  );

  scenario(
    "own client: JobCluster beside a scheduler is a ListenError that names the port",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler();
      const client = await startOwnClient(lab, "job_cluster.ts", {
        args: [JSON.stringify({ host: "127.0.0.1" })],
      });
      const { events } = await client.ended();
      equal(events.map((line) => [line.event, line.error]), [["refused", "ListenError"]]);
      match(events[0]?.message, /9700/);
    },
  );
}
