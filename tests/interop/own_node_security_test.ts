/** Who may use our node, and who may not. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Certificates, OPENSSL_AVAILABLE } from "../unit/net/certificates.ts";
import { Driven } from "./harness/driven.ts";
import { everything } from "./harness/everything.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

scenario(
  "our node works for a scheduler that knows its secret, and not for one that does not",
  { tier: "core" },
  async (lab) => {
    const scheduler = await lab.startScheduler({ args: ["--node_secret", "right"] });
    const good = await lab.startNode(1, { kind: "ours", args: ["-s", "right"] });
    const bad = await lab.startNode(2, { kind: "ours", args: ["-s", "wrong"] });
    const client = await Driven.ready(lab, { wait_nodes: 1 });
    equal((await client.run(4)).map((job) => job.node), Array(4).fill(lab.node(1)));
    await client.close();
    if (SCHEDULER === "ours") {
      ok(scheduler.lines.some((line) => /WARN.*another node secret.*127\.0\.0\.3/.test(line)));
    }
    ok(!bad.lines.some((line) => /computation taken/.test(line)));
    for (const line of [...good.lines, ...bad.lines]) {
      ok(!/right|wrong/.test(line), `the log tells a secret: ${line}`);
    }
  },
);

scenario(
  "all that jobs can do works at our node with a secret, by a client's own JobCluster",
  { tier: "more" },
  (lab) =>
    everything(lab, {
      cluster: "job",
      kinds: ["ours"],
      nodeArgs: ["--secret", "of both"],
      env: { LAB_SECRET: "of both" },
    }),
);

scenario(
  "who does not know the secret of our node gets no answer, and has nothing run",
  { tier: "core" },
  async (lab) => {
    const folder = await lab.folder("marks");
    const node = await lab.startNode(1, {
      kind: "ours",
      knowsScheduler: false,
      args: ["-s", "known to nobody"],
    });
    const { events } = await lab.runClient("intruder.py", {
      args: [lab.node(1), 9701, `${folder}/mark`],
    });
    const answers = events.filter((line) => line.event === "answer");
    equal(answers.map(({ request, size }) => [request, size]), [
      ["COMPUTE", 0],
      ["SETUP", 0],
      ["JOB", 0],
      ["FILEXFER", 0],
      ["CLOSE", 0],
      ["PING", 0],
    ]);
    equal([...Deno.readDirSync(folder)], []);
    ok(node.lines.some((line) => /WARN.*request refused.*another secret/.test(line)));
    ok(!node.lines.some((line) => /ERROR/.test(line)), "nothing internal went wrong");
  },
);

for (const cluster of ["shared", "job"] as const) {
  const whose = cluster === "shared" ? "our scheduler" : "a client's own JobCluster";
  scenario(
    `all that jobs can do works at our node with TLS, by ${whose}`,
    {
      tier: "more",
      unavailable: OPENSSL_AVAILABLE ? undefined : "there is no openssl to make certificates with",
    },
    async (lab) => {
      await using certificates = await Certificates.open();
      const { certFile, keyFile } = await certificates.selfSigned("ec", true);
      if (cluster === "shared") {
        const args = ["--node_certfile", certFile, "--node_keyfile", keyFile];
        // The client has no certificate: its jobs reach it by way of the scheduler.
        await lab.startScheduler({ args });
      }
      await everything(lab, {
        cluster,
        kinds: ["ours"],
        nodeArgs: ["--certfile", certFile, "--keyfile", keyFile],
        env: { LAB_CERTFILE: certFile, LAB_KEYFILE: keyFile },
      });
    },
  );
}

scenario(
  "our node and a scheduler with another certificate say what is wrong, and no job runs",
  {
    tier: "more",
    unavailable: OPENSSL_AVAILABLE ? undefined : "there is no openssl to make certificates with",
  },
  async (lab) => {
    await using certificates = await Certificates.open();
    const ours = await certificates.selfSigned("ec", true);
    const theirs = await certificates.selfSigned("ec", true, "another");
    const scheduler = await lab.startScheduler({
      args: ["--node_certfile", theirs.certFile, "--node_keyfile", theirs.keyFile],
    });
    const node = await lab.startNode(1, {
      kind: "ours",
      args: ["--certfile", ours.certFile, "--keyfile", ours.keyFile],
    });
    await node.until("the node says what is wrong", () => {
      return node.lines.find((line) =>
        /WARN.*scheduler cannot be used as it is.*--certfile/.test(line)
      );
    });
    ok(!scheduler.lines.some((line) => /node found/.test(line)));
  },
);
