/** Where secrets come from, and what becomes of those who do not know them. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { type Lab, SCHEDULER, SCHEDULER_PERMISSIONS } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

const NODE_SECRET = "node-s3cret";
const CLUSTER_SECRET = "cluster-s3cret";

interface Start {
  readonly permissions?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts our scheduler at 127.0.0.1 without debug messages. */
async function start(lab: Lab, { permissions, args, env }: Start): Promise<LabProcess> {
  const store = await lab.folder("scheduler");
  const variables = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`);
  return await lab.startSchedulerAs([
    ...["env", ...variables, "deno", "run", ...(permissions ?? SCHEDULER_PERMISSIONS)],
    ...[`${lab.root}/main.ts`, "--daemon", "-i", "127.0.0.1", "--dest_path_prefix", store],
    ...(args ?? []),
  ], store);
}

/** Files for both secrets; `mode` is theirs. */
async function secretFiles(lab: Lab, mode: number): Promise<string[]> {
  const folder = await lab.folder("secrets");
  const args: string[] = [];
  for (const [side, secret] of [["node", NODE_SECRET], ["cluster", CLUSTER_SECRET]] as const) {
    const path = `${folder}/${side}`;
    await Deno.writeTextFile(path, `${secret}\nnot this line\n`, { mode });
    args.push(`--${side}_secret_file`, path);
  }
  return args;
}

async function rightPeersAreServed(lab: Lab): Promise<void> {
  await lab.startNode(1, { args: ["-s", NODE_SECRET] });
  const { events } = await lab.runClient("many.py", { args: ["--secret", CLUSTER_SECRET] });
  equal(events.filter((line) => line.event === "job").length, 10);
}

const warnings = (scheduler: LabProcess) =>
  scheduler.lines.filter((line) => /\b(WRN|WARN|WARNING)\b/i.test(line));

if (SCHEDULER === "ours") {
  scenario("secrets can stand in files", { tier: "core" }, async (lab) => {
    const scheduler = await start(lab, { args: await secretFiles(lab, 0o600) });
    await rightPeersAreServed(lab);
    equal(warnings(scheduler), []);
    ok(!scheduler.lines.join("\n").includes("s3cret"), "a secret is in the log");
  });

  scenario("a secret file that everybody may read is a warning", { tier: "core" }, async (lab) => {
    const scheduler = await start(lab, { args: await secretFiles(lab, 0o644) });
    const [node = "", cluster = "", ...others] = warnings(scheduler);
    equal(others, []);
    match(node, /the node secret is open to every user .*\/node/);
    match(cluster, /the cluster secret is open to every user .*\/cluster/);
    ok(!scheduler.lines.join("\n").includes("s3cret"), "a secret is in the log");
  });

  const env = {
    DISPYSCHEDULER_NODE_SECRET: NODE_SECRET,
    DISPYSCHEDULER_CLUSTER_SECRET: CLUSTER_SECRET,
  };

  scenario("secrets can stand in the environment", { tier: "core" }, async (lab) => {
    const permissions = [...SCHEDULER_PERMISSIONS, `--allow-env=${Object.keys(env).join()}`];
    await start(lab, { env, permissions });
    await rightPeersAreServed(lab);
  });

  scenario("an environment that may not be read is none", { tier: "more" }, async (lab) => {
    await start(lab, { env });
    await lab.startNode(1);
    const { events } = await lab.runClient("many.py");
    equal(events.filter((line) => line.event === "job").length, 10);
  });

  scenario(
    "each peer with a wrong secret is refused with one warning that names it, not the secret",
    { tier: "core" },
    async (lab) => {
      const scheduler = await start(lab, {
        args: [...await secretFiles(lab, 0o600), "--ping_interval", "1"],
      });
      const wrong = await lab.startNode(2, { args: ["-s", "wrong-s3cret"] });
      await lab.startNode(1, { args: ["-s", NODE_SECRET] });
      for (let attempt = 0; attempt < 3; attempt++) {
        const client = await lab.startClient("many.py", { args: ["--secret", "wrong-s3cret"] });
        const { events } = await client.ended();
        equal(events.map((line) => line.event), ["refused"]);
        match(events[0]!.error, /refused computation: .* another cluster secret/);
      }
      const { events } = await lab.runClient("many.py", { args: ["--secret", CLUSTER_SECRET] });
      equal([...new Set(events.filter((line) => line.event === "job").map((job) => job.node))], [
        lab.node(1),
      ]);
      await lab.until("both were warned of", () => warnings(scheduler).length >= 2);
      const [client = "", node = "", ...others] = [...warnings(scheduler)].sort((a, b) =>
        a.slice(a.indexOf("dispyscheduler.")) < b.slice(b.indexOf("dispyscheduler.")) ? -1 : 1
      );
      equal(others, []);
      match(node, new RegExp(`node has another node secret; not used.*node=${lab.node(2)}`));
      match(client, /client has another cluster secret; refused.*from=127\.0\.0\.1/);
      ok(!scheduler.lines.join("\n").includes("s3cret"), "a secret is in the log");
      equal(wrong.exit, undefined);
    },
  );
}
