/** Nothing that a job starts outlives its computation, whatever the job does to get away. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import { findNamespace } from "../../../../src/node/containment/namespace.ts";
import { JobStatus } from "../../../../src/wire/mod.ts";
import { NO_PYTHON } from "../python/lab.ts";

const ignore = NO_PYTHON || Deno.build.os !== "linux";
const namespace = Deno.build.os === "linux" ? await findNamespace() : { kind: "none" };
const NODE = new URL("escaping_node.ts", import.meta.url).pathname;

/** A job that leaves `sleep` behind: without environment, in a session of its own, an orphan. */
const ESCAPE = `
def leave(seconds):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve('/bin/sh', ['sh', '-c', 'sleep %s & sleep %s' % (seconds, seconds)], {})
        os._exit(0)
    os.wait()

def parent_of(pid):
    return int(open('/proc/%d/stat' % pid).read().rpartition(')')[2].split()[1])

def compute(seconds):
    if seconds is None:
        return
    template = os.getppid()
    guard = parent_of(template)
    leave(seconds)
    time.sleep(0.2)
    WHAT
    time.sleep(0.2)
`;

async function escape(what: string, how: "namespace" | "orphans") {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", NODE, ESCAPE.replace("WHAT", what), how],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const ATTACKS = {
  "ends without a word of it": "pass",
  "kills the process that watches over it": "os.kill(guard, 9)",
  "kills all processes above it": "[os.kill(pid, 9) for pid in (guard, template)]",
  "stops the process that watches over it": "os.kill(guard, 19); time.sleep(600)",
};

for (const [which, what] of Object.entries(ATTACKS)) {
  Deno.test({
    name: `what a job leaves behind that ${which} is ended by the node`,
    ignore,
    fn: async () => {
      const { left, next, status, exception } = await escape(what, "orphans");
      equal([left, next], [0, null]);
      if (what === "pass") return equal(status, JobStatus.Finished);
      equal(status, JobStatus.Terminated);
      match(exception, /Python process has ended/);
      if (what.includes("19")) match(exception, /a job has stopped it/);
    },
  });
}

for (const [which, what] of Object.entries(ATTACKS)) {
  if (what.includes("template")) continue;
  Deno.test({
    name: `in a PID namespace, a job that ${which} harms nothing else, and leaves nothing behind`,
    ignore: ignore || namespace.kind === "none",
    fn: async () => {
      const { left, next, status, exception } = await escape(
        what.replace("time.sleep(600)", "pass"),
        "namespace",
      );
      equal([left, next, status, exception], [0, null, JobStatus.Finished, null]);
    },
  });
}
