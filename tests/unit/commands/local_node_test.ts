import { deepStrictEqual as equal } from "node:assert/strict";
import { SYSTEM_ENVIRONMENT } from "../../../src/cli/environment.ts";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { LocalNode } from "../../../src/commands/local_node.ts";

Deno.test("a node that cannot be started now is started later, and harms no scheduler", async () => {
  const outcome = parseCommandLine(["--local_cpus", "1"], SYSTEM_ENVIRONMENT);
  if (outcome.kind !== "run") throw new Error("the options are wrong");
  const { Command } = Deno;
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Deno.CommandStatus>();
  let times = 0;
  const node = new LocalNode(outcome.config, 1, "127.0.0.1");
  Deno.Command = class {
    spawn() {
      if (++times === 1) throw new Error("Resource temporarily unavailable (os error 11)");
      started.resolve();
      const close = () => Promise.resolve(ended.resolve({ success: true, code: 0, signal: null }));
      return { pid: 0, status: ended.promise, stdin: { close } };
    }
  } as unknown as typeof Deno.Command;
  try {
    node.start();
    await started.promise;
    await node.end();
  } finally {
    Deno.Command = Command;
  }
  equal(times, 2);
});
