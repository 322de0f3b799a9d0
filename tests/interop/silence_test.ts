/** Peers that are not there, or go, are told of: by the scheduler, and by our node. */

import { ok } from "node:assert/strict";
import { Driven } from "./harness/driven.ts";
import { type Lab, SCHEDULER } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** Waits until `process` says what `pattern` matches. */
function said(process: LabProcess, pattern: RegExp): Promise<string> {
  return process.until(
    `it says ${pattern.source}`,
    () => process.lines.find((line) => pattern.test(line)),
  );
}

/** A program that listens where a node would, takes what comes, and says nothing. */
function startMute(lab: Lab, address: string, port: number, cwd: string): LabProcess {
  const code = [
    "import socket, time",
    `s = socket.create_server(('${address}', ${port}))`,
    "while True:",
    "    c, _ = s.accept()",
    "    c.recv(65536)",
    "    c.close()",
  ].join("\n");
  return lab.start("mute", [lab.venv.python, "-c", code], cwd);
}

if (SCHEDULER === "ours") {
  scenario(
    "nodes of -n that cannot be reached, or do not answer, are warned of with the reason",
    { tier: "core" },
    async (lab) => {
      startMute(lab, "127.0.0.8", 9701, await lab.folder("mute"));
      await lab.untilListening(9701, "127.0.0.8");
      await lab.startNode(1, { knowsScheduler: false });
      const args = ["-n", "127.0.0.7", "-n", "127.0.0.8", "-n", lab.node(1)];
      const scheduler = await lab.startScheduler({ args });
      await said(
        scheduler,
        /WARN.*-n cannot be reached; trying again node=127\.0\.0\.7 reason=.*refused/i,
      );
      await said(scheduler, /WARN.*-n does not answer; trying again node=127\.0\.0\.8 hint=/);
      const warnings = scheduler.lines.filter((line) => / WARN .*given with -n/.test(line));
      ok(warnings.every((line) => !line.includes(lab.node(1))), warnings.join("\n"));
    },
  );

  scenario(
    "our node says that its scheduler is not there, that it is, which one uses it, and that it is lost",
    { tier: "core", limitMs: 90_000 },
    async (lab) => {
      const node = await lab.startNode(1, { kind: "ours" });
      await said(node, /WARN.*--scheduler_host cannot be reached; trying again.*refused/i);
      const scheduler = await lab.startScheduler({ args: ["--pulse_interval", "1"] });
      await said(node, /INFO.*--scheduler_host is there/);
      const first = await Driven.ready(lab, { wait_nodes: 1 });
      await said(node, /INFO.*a scheduler uses the node scheduler=127\.0\.0\.1 port=9700/);
      await first.close();
      await said(node, /INFO.*uses the node no more; it is free/);

      const second = await Driven.ready(lab, { wait_nodes: 1 });
      await second.submit(1, [600]);
      await second.untilRunning(1);
      await scheduler.stop();
      await said(node, /WARN.*the scheduler that uses the node is out of reach.*refused/i);
      await lab.startScheduler({ args: ["--pulse_interval", "1"], folder: scheduler.cwd });
      await said(node, /INFO.*the scheduler is there again/);
    },
  );

  scenario(
    "our node says that a scheduler with another secret does not greet back",
    { tier: "core" },
    async (lab) => {
      startMute(lab, "127.0.0.1", 9700, await lab.folder("mute"));
      await lab.untilListening(9700, "127.0.0.1");
      const node = await lab.startNode(1, { kind: "ours" });
      await said(node, /WARN.*--scheduler_host does not greet back; trying again/);
    },
  );
}
