/** `status`, `nodes` and `cancel` with a running scheduler. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { Certificates, OPENSSL_AVAILABLE } from "../unit/net/certificates.ts";
import { commandJson, runCommand, startCommand } from "./harness/commands.ts";
import { Driven } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, PORTS, SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

/** The cluster that is the only one. */
async function onlyCluster(lab: Lab): Promise<Record<string, unknown> & { id: number }> {
  const { clusters } = await commandJson(lab, ["status"]);
  equal(clusters.length, 1);
  return clusters[0];
}

if (SCHEDULER === "ours") {
  scenario(
    "`status` shows nodes, clusters, jobs and totals, as tables and as JSON",
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNodes(2, { cpus: 1 });
      const client = await Driven.ready(lab, { wait_nodes: 2 });
      await client.run(2);
      await client.submit(5, [30]);
      await client.untilRunning(4);

      const status = await commandJson(lab, ["status"]);
      equal(
        status.nodes.map((node: Record<string, unknown>) => [
          node.address,
          node.name,
          node.cpus,
          node.busy_cpus,
        ]).sort(),
        [[lab.node(1), "node1", 1, 1], [lab.node(2), "node2", 1, 1]],
      );
      const [cluster] = status.clusters;
      equal(
        [cluster.name, cluster.client_address, cluster.state],
        ["work", "127.0.0.1", "active"],
      );
      equal([cluster.jobs_pending, cluster.jobs_running, cluster.jobs_done], [3, 2, 2]);
      equal([status.totals.jobs_pending, status.totals.jobs_running], [3, 2]);
      ok(status.totals.cpu_time_ms >= 100 && status.uptime_ms > 0);

      const jobs = await commandJson(lab, ["status", "work"]);
      equal(
        jobs.jobs.map((job: Record<string, unknown>) => job.state).sort(),
        ["queued", "queued", "queued", "running", "running"],
      );
      const { stdout: table } = await runCommand(lab, ["status"]);
      match(table, /^ 127\.0\.0\.2 \(node1\) +\| ready \| +1 \| +1 \|/m);
      match(table, new RegExp(`^ work @ 127\\.0\\.0\\.1 +\\| +${cluster.id} \\| active \\|`, "m"));
      match(table, /^Jobs: 3 pending, 2 running, 2 done$/m);
      const { stdout: list } = await runCommand(lab, ["status", cluster.id, "--limit", "1"]);
      match(list, /^ \d+ +\| running \|/m);
      match(list, /^4 more jobs/m);

      const watch = await startCommand(lab, ["status", "--watch", "--interval", "0.1", "--json"]);
      await lab.until("it was shown three times", async () => {
        return (await watch.output()).stdout.split("\n").length > 3;
      });
      watch.process.kill("SIGINT");
      const { stdout } = await watch.ended();
      for (const line of stdout.trim().split("\n")) equal(JSON.parse(line).totals.jobs_running, 2);
    },
  );

  scenario(
    "`status` and the log tell why jobs wait: refused setup, drained nodes, a list without nodes",
    { tier: "core" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      await lab.startNodes(2, { cpus: 1 });
      const waits = async (cluster: string): Promise<string[]> => {
        const { cluster: { waits } } = await commandJson(lab, ["status", cluster]);
        // They are told in the order in which they were found.
        return waits.map(({ kind, nodes }: { kind: string; nodes: string[] }) => {
          return `${kind} ${nodes.sort()}`;
        });
      };
      const refused = await Driven.ready(lab, { refuse_setup: true });
      await refused.submit(1, [0.05]);
      await lab.until("both nodes have refused", async () => {
        const [wait] = await waits("work");
        return wait === `setup_failed ${lab.node(1)},${lab.node(2)}`;
      });
      const { stdout } = await runCommand(lab, ["status"]);
      match(
        stdout,
        /^work @ .* waits: .*: could not be set up: .*LookupError: the disk is missing$/m,
      );
      const { stdout: one } = await runCommand(lab, ["status", "work"]);
      match(
        one,
        /^Waits: 127\.0\.0\.[23], 127\.0\.0\.[23]: could not be set up: .*the disk is missing$/m,
      );
      await scheduler.until(
        "it is logged",
        () =>
          scheduler.lines.find((line) =>
            /WARN.*jobs wait, and no node can run them.*the disk is missing/.test(line)
          ),
      );

      const drained = await Driven.ready(lab, { function: "mark", nodes: [lab.node(1)] });
      await drained.untilNode("Initialized", lab.node(1));
      await runCommand(lab, ["nodes", "drain", "node1"]);
      await drained.submit(1, [0.05, "/dev/null"]);
      equal(await waits("mark"), [`drained ${lab.node(1)}`]);
      const nowhere = await Driven.ready(lab, { function: "weigh", nodes: ["127.0.0.99"] });
      await nowhere.submit(1, [0.05, ""]);
      equal(await waits("weigh"), ["no_node_matches "]);
      await runCommand(lab, ["nodes", "resume", "node1"]);
      equal((await drained.results()).map(({ status }) => status), [JobStatus.Finished]);
      equal(await waits("mark"), []);
    },
  );

  scenario(
    "`cancel` ends a job that waits, a job that runs, and a cluster; its client is told",
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { cpus: 1 });
      const client = await Driven.ready(lab, { wait_nodes: 1 });
      await client.submit(4, [60]);
      await client.untilRunning(1);
      const { cluster, jobs } = await commandJson(lab, ["status", "work"]);
      const [running, waiting] = jobs;
      equal([running.state, running.node, waiting.state], ["running", lab.node(1), "queued"]);

      const first = await runCommand(lab, ["cancel", cluster.id, "--job", waiting.uid]);
      equal([first.code, first.stdout], [
        0,
        `Cancelled job ${waiting.uid} (queued) of work @ 127.0.0.1\n`,
      ]);
      const second = await commandJson(lab, ["cancel", "work", "--job", running.uid]);
      equal([second.job.uid, second.job.node], [running.uid, lab.node(1)]);
      await client.untilRunning(2);
      const again = await runCommand(lab, ["cancel", "work", "--job", running.uid]);
      equal([again.code, again.stdout], [1, ""]);
      match(again.stderr, /has no job \d+ that waits or runs\n$/);

      const all = await commandJson(lab, ["cancel", "work"]);
      equal([all.cancelled_waiting, all.cancelled_running], [1, 1]);
      equal((await client.results()).map(({ status }) => status), [
        JobStatus.Terminated,
        JobStatus.Cancelled,
        JobStatus.Terminated,
        JobStatus.Terminated,
      ]);
      equal(await client.submit(1, [0]), [null]);
    },
  );

  scenario(
    "`cancel --keep_running` lets running jobs finish; then `cancel` ends them after all",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { cpus: 2 });
      const client = await Driven.ready(lab, { wait_nodes: 1, function: "hold" });
      const enough = `${await lab.folder("signs")}/enough`;
      await client.submit(1, [enough]);
      await client.submit(2, [`${enough} of all`]);
      await client.untilRunning(2);
      const kept = await commandJson(lab, ["cancel", "hold", "--keep_running"]);
      equal([kept.cancelled_waiting, kept.cancelled_running, kept.cluster.state], [
        1,
        0,
        "closing",
      ]);
      await Deno.writeTextFile(enough, "");
      await lab.until("one has finished", async () => (await onlyCluster(lab)).jobs_done === 1);
      const ended = await commandJson(lab, ["cancel", "hold"]);
      equal([ended.cancelled_waiting, ended.cancelled_running], [0, 1]);
      equal((await client.results()).map(({ status }) => status), [
        JobStatus.Finished,
        JobStatus.Terminated,
        JobStatus.Terminated,
      ]);
    },
  );

  scenario(
    "`nodes` drains a node, limits its CPUs, and takes it back, also after a restart of the node",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler();
      const [first] = await lab.startNodes(2, { cpus: 2 });
      const client = await Driven.ready(lab, { wait_nodes: 2 });
      const drained = await runCommand(lab, ["nodes", "drain", "node1"]);
      match(drained.stdout, /^ 127\.0\.0\.2 \(node1\) +\| drained \|/m);
      const jobs = await client.run(6);
      equal([...new Set(jobs.map(({ node }) => node))], [lab.node(2)]);

      first!.kill("SIGKILL");
      await first!.ended();
      await lab.startNode(1, { cpus: 2 });
      await lab.until("node 1 is back", async () => {
        const { nodes } = await commandJson(lab, ["status"]);
        return nodes.length === 2 && nodes[1].clusters.length === 0;
      });
      const { stdout } = await runCommand(lab, ["nodes", "--json"]);
      const limits = stdout.trim().split("\n").map((line) => JSON.parse(line).cpu_limit);
      equal(limits.sort(), [0, null]);
      equal((await client.run(4)).every(({ node }) => node === lab.node(2)), true);

      const resumed = await runCommand(lab, ["nodes", "limit", 1, lab.node(1)]);
      match(resumed.stdout, /\| 1 of 2 \|/);
      await client.untilNode("Initialized", lab.node(1), 2);
      await client.submit(4, [600]);
      await client.untilRunning(3 + 10);
      equal((await commandJson(lab, ["status"])).totals.jobs_running, 3);
      await runCommand(lab, ["nodes", "resume", "node1"]);
      await client.untilRunning(4 + 10);
      await client.cancel();
      await client.results();
    },
  );

  scenario(
    "without the cluster secret `status` and `cancel` get nothing; with it they do",
    { tier: "core" },
    async (lab) => {
      const secret = "s3cret";
      const scheduler = await lab.startScheduler({ args: ["--cluster_secret", secret] });
      for (const args of [["status"], ["status", "--cluster_secret", "wrong"], ["cancel", "x"]]) {
        const { code, stdout, stderr } = await runCommand(lab, args);
        equal([code, stdout], [1, ""]);
        match(stderr, /^dispyscheduler \w+: .* refuses the request: its cluster secret .*\n$/);
      }
      const folder = await lab.folder("secret");
      await Deno.writeTextFile(`${folder}/file`, `${secret}\n`);
      const file = await runCommand(lab, ["status", "--cluster_secret_file", `${folder}/file`]);
      const env = await runCommand(lab, ["status"], {
        env: { DISPYSCHEDULER_CLUSTER_SECRET: secret },
      });
      for (const { code, stdout } of [file, env]) {
        equal(code, 0);
        match(stdout, /^Nodes: 0, clusters: 0, up /m);
      }
      ok(!scheduler.lines.join("\n").includes(secret), "the secret is in the log");
    },
  );

  scenario(
    "commands say what is wrong: no scheduler, dispy's own, a strange program, silence",
    { tier: "core" },
    async (lab) => {
      const none = await runCommand(lab, ["status"]);
      equal([none.code, none.stdout, none.stderr], [
        1,
        "",
        "dispyscheduler status: no scheduler listens at 127.0.0.1 port 9702, 61592 or 51349; " +
        "start it, or say where it is with --scheduler_host and --scheduler_port\n",
      ]);
      const folder = await lab.folder("original");
      const argv = [lab.venv.python, `${lab.venv.bin}/dispyscheduler.py`, "--daemon"];
      await lab.startSchedulerAs(
        [...argv, "-i", "127.0.0.1", "--dest_path_prefix", folder],
        folder,
        PORTS.current,
      );
      const original = await runCommand(lab, ["nodes"]);
      equal([original.code, original.stdout], [1, ""]);
      match(
        original.stderr,
        /^dispyscheduler nodes: the scheduler at 127\.0\.0\.1 port 9702 .*dispy's own .*\n$/,
      );
      const mute = lab.start("mute", [
        lab.venv.python,
        "-c",
        "import socket, time; s = socket.create_server(('127.0.0.1', 7000)); time.sleep(999)",
      ], folder);
      await lab.ready(mute, "it listens", () => lab.namespace.listens("tcp", 7000, "127.0.0.1"));
      const silent = await runCommand(lab, [
        ...["status", "--scheduler_port", 7000, "--msg_timeout", "0.5"],
      ]);
      equal(silent.code, 1);
      match(silent.stderr, /does not answer within 0\.5 s \(--msg_timeout\)/);
    },
  );

  scenario(
    "commands talk TLS with a scheduler that does, and say so where only one side does",
    {
      tier: "more",
      unavailable: OPENSSL_AVAILABLE ? undefined : "there is no openssl to make certificates with",
    },
    async (lab) => {
      await using certificates = await Certificates.open();
      const { certFile, keyFile } = await certificates.selfSigned("ec", true);
      const other = await certificates.selfSigned("ec", true, "test, another");
      const tls = ["--cluster_certfile", certFile, "--cluster_keyfile", keyFile];
      const scheduler = await lab.startScheduler({ args: tls });
      equal((await runCommand(lab, ["status", ...tls])).code, 0);
      const plain = await runCommand(lab, ["status"]);
      equal(plain.code, 1);
      match(plain.stderr, / or it speaks TLS \(--cluster_certfile\)\n$/);
      const wrong = await runCommand(lab, [
        ...["status", "--cluster_certfile", other.certFile, "--cluster_keyfile", other.keyFile],
      ]);
      equal(wrong.code, 1);
      match(wrong.stderr, /shows another certificate .*; --cluster_certfile must be the file/);
      await scheduler.stop();
      await lab.untilListening(PORTS.current + 2, "127.0.0.1", false);
      await lab.startScheduler();
      const needless = await runCommand(lab, ["status", ...tls]);
      equal(needless.code, 1);
      match(
        needless.stderr,
        /no TLS handshake: .*; if it has no TLS, leave --cluster_certfile out\n$/,
      );
    },
  );
}
