import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { parseStat, readProcesses } from "../../../src/node/process_table.ts";
import {
  endProcesses,
  findProcesses,
  memoryOf,
  type ProcessMark,
} from "../../../src/node/process_tree.ts";

const onlyLinux = { ignore: Deno.build.os !== "linux" && Deno.env.get("CI") !== "true" };

/** Runs a script in a session of its own; it is to say a word once it has set everything up. */
async function start(script: string, mark: ProcessMark): Promise<Deno.ChildProcess> {
  const [name = "", value = ""] = mark.split("=");
  const child = new Deno.Command("sh", {
    args: ["-c", script],
    env: { [name]: value },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    detached: true,
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  void reader.cancel();
  return child;
}

const newMark = (): ProcessMark => `DISPY_TEST_MARK=${crypto.randomUUID()}`;

Deno.test("a line of /proc/<pid>/stat is read whatever the command is called", () => {
  equal(parseStat("42 (a) b (c) S 7 42 40 0 -1"), {
    pid: 42,
    parent: 7,
    state: "S",
    group: 42,
    session: 40,
  });
});

Deno.test(
  "children are found by descent, and by the mark where they have left",
  onlyLinux,
  async () => {
    const mark = newMark();
    const child = await start("sleep 100 & setsid sleep 100 & echo ready; wait", mark);
    equal((await findProcesses({ pid: child.pid, mark: null })).length >= 2, true);
    const all = await findProcesses({ pid: null, mark });
    equal(all.length, 3);
    ok(await endProcesses({ pid: child.pid, mark }, 0));
    equal(await findProcesses({ pid: null, mark }), []);
    await child.status;
  },
);

Deno.test("processes may end by themselves when told to", onlyLinux, async () => {
  const mark = newMark();
  const child = await start("trap 'exit 3' INT; echo ready; while :; do sleep 0.01; done", mark);
  ok(await endProcesses({ pid: child.pid, mark }, 30_000));
  equal((await child.status).code, 3);
});

Deno.test("processes that ignore being told are killed after their grace", onlyLinux, async () => {
  const mark = newMark();
  const child = await start("trap '' INT; echo ready; while :; do sleep 0.01; done", mark);
  ok(await endProcesses({ pid: child.pid, mark }, 100));
  equal((await child.status).signal, "SIGKILL");
});

Deno.test("children get no grace once the main process has ended", onlyLinux, async () => {
  const mark = newMark();
  const script = "trap 'exit 0' INT; " +
    "sh -c \"trap '' INT; echo ready; while :; do sleep 0.01; done\" & " +
    "while :; do sleep 0.01; done";
  const child = await start(script, mark);
  const startMs = performance.now();
  ok(await endProcesses({ pid: child.pid, mark }, 60_000));
  ok(performance.now() - startMs < 10_000);
  await child.status;
});

Deno.test("memory is that of all processes of a tree", onlyLinux, async () => {
  const mark = newMark();
  const child = await start("sleep 100 & echo ready; wait", mark);
  const bytes = await memoryOf(child.pid);
  ok(bytes !== null && bytes > 100_000 && bytes < 100_000_000, String(bytes));
  await endProcesses({ pid: child.pid, mark }, 0);
  await child.status;
});

Deno.test("processes that are not there need no ending", onlyLinux, async () => {
  ok(await endProcesses({ pid: null, mark: newMark() }, 0));
  ok((await readProcesses()).has(Deno.pid));
});

Deno.test(
  "processes are ended though they cannot be looked at for a moment",
  onlyLinux,
  async () => {
    const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
    const { readDirSync } = Deno;
    Deno.readDirSync = () => {
      Deno.readDirSync = readDirSync;
      throw new Error("Too many open files (os error 24)");
    };
    try {
      ok(await endProcesses({ pid: child.pid, mark: null }, 0));
    } finally {
      Deno.readDirSync = readDirSync;
      await child.status;
    }
  },
);
