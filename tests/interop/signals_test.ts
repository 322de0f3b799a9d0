/** Signals that come with a terminal's end, or by habit, to every command that runs for long. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { commandJson, startCommand } from "./harness/commands.ts";
import { Driven } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, PORTS, SCHEDULER } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** Starts a command of ours in a terminal that the test can close. */
async function inTerminal(lab: Lab, args: readonly string[]): Promise<LabProcess> {
  const store = await lab.folder("in-terminal");
  return lab.start("in a terminal", [
    ...[lab.venv.python, `${lab.root}/tests/interop/stand_ins/terminal.py`],
    ...["deno", "run", "--allow-all", `${lab.root}/main.ts`],
    ...args.map((arg) => arg === "STORE" ? store : arg),
  ], store);
}

const STRAY = ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** Sends a process signals that it must survive, also when they come twice. */
function nag(process: LabProcess): void {
  for (const signal of [...STRAY, ...STRAY]) process.signal(signal);
}

async function untilRunning(lab: Lab): Promise<void> {
  await lab.until("a job runs", async () => {
    return (await commandJson(lab, ["status"])).totals.jobs_running === 1;
  });
}

if (SCHEDULER === "ours") {
  scenario(
    "where no stream is a terminal, SIGHUP ends neither scheduler nor node nor `submit`",
    { tier: "core" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      const node = await lab.startNode(1, { kind: "ours" });
      const submit = await startCommand(lab, ["submit", "sleep 2; echo {}", ":::", "done"]);
      await untilRunning(lab);
      for (const process of [scheduler, node, submit.process]) nag(process);
      const { code, stdout } = await submit.ended();
      equal([code, stdout], [0, "done\n"]);
      const client = await Driven.ready(lab, { wait_nodes: 1 });
      equal((await client.run(1)).map(({ status }) => status), [JobStatus.Finished]);
      await client.close();
      equal([scheduler.exit, node.exit], [undefined, undefined]);
    },
  );

  scenario(
    "a scheduler whose terminal is closed ends in order; with --daemon it goes on",
    { tier: "core" },
    async (lab) => {
      const options = ["-i", "127.0.0.1", "--dest_path_prefix", "STORE"];
      const scheduler = await inTerminal(lab, options);
      await lab.untilListening(PORTS.current + 2, "127.0.0.1");
      await lab.startNode(1);
      const client = await Driven.ready(lab, { wait_nodes: 1 });
      await client.submit(1, [100]);
      await client.untilRunning(1);
      await scheduler.send("hang up");
      equal((await client.results(20)).map(({ status }) => status), [JobStatus.Terminated]);
      equal(await scheduler.ended(), { code: 0, signal: null });

      const daemon = await inTerminal(lab, ["--daemon", ...options]);
      await lab.untilListening(PORTS.current + 2, "127.0.0.1");
      await daemon.send("hang up");
      const next = await Driven.ready(lab, { wait_nodes: 1 });
      equal((await next.run(1)).map(({ status }) => status), [JobStatus.Finished]);
      await next.close();
      equal(daemon.exit, undefined);
    },
  );

  scenario(
    "a node whose terminal is closed ends in order, and says farewell",
    { tier: "more" },
    async (lab) => {
      const scheduler = await lab.startScheduler();
      const options = ["--scheduler_host", "127.0.0.1", "--dest_path_prefix", "STORE"];
      const node = await inTerminal(lab, ["node", "-i", lab.node(1), "-c", "1", ...options]);
      await lab.untilListening(PORTS.current + 1, lab.node(1));
      const client = await Driven.ready(lab, { wait_nodes: 1 });
      await node.send("hang up");
      await scheduler.until("the node has said farewell", () => {
        return scheduler.lines.find((line) => /node lost.*it has ended/.test(line));
      });
      equal(await node.ended(), { code: 0, signal: null });
      await client.close();
    },
  );

  scenario(
    "`submit` whose terminal is closed cancels its command lines, and leaves no cluster behind",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1, { kind: "ours" });
      const submit = await inTerminal(lab, ["submit", "sleep 100; echo {}", ":::", "never"]);
      await untilRunning(lab);
      await submit.send("hang up");
      await submit.ended();
      await lab.until("no cluster is left", async () => {
        return (await commandJson(lab, ["status"])).clusters.length === 0;
      });
    },
  );
}
