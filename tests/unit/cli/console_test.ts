import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { isForeground, runConsole } from "../../../src/cli/console.ts";
import type { SchedulerStatus } from "../../../src/cli/status_table.ts";

const PROMPT = 'Enter "quit" or "exit" to terminate scheduler, anything else to get status: ';
const STATUS: SchedulerStatus = {
  uptimeMs: 61_000,
  nodes: [],
  clusters: [],
  totals: { jobsPending: 0, jobsRunning: 0, jobsDone: 0, cpuTimeMs: 0, clustersWaiting: 0 },
};

/** Runs the console on what is typed, chunk by chunk; then the input ends. */
async function converse(...typed: string[]) {
  let shown = "";
  let quits = 0;
  const ended = await runConsole({
    readable: ReadableStream.from(typed.map((text) => new TextEncoder().encode(text))),
    write: (text) => {
      shown += text;
      return Promise.resolve();
    },
  }, { status: () => STATUS, quit: () => quits++ });
  return { ended, quits, prompts: shown.split(PROMPT).length - 1, shown };
}

for (const typed of ["quit\n", "exit\n", "  QUIT \r\n", "quit"]) {
  Deno.test(`${JSON.stringify(typed)} ends the scheduler, once`, async () => {
    const { ended, quits, shown } = await converse(
      typed,
      ...(typed.endsWith("\n") ? ["quit\n"] : []),
    );
    assertEquals({ ended, quits, shown }, { ended: "quit", quits: 1, shown: PROMPT });
  });
}

Deno.test("anything else shows the status and the prompt again", async () => {
  const { ended, quits, prompts, shown } = await converse("\n", "sta", "tus\n\n", "qu", "it\n");
  assertEquals({ ended, quits, prompts }, { ended: "quit", quits: 1, prompts: 4 });
  assertEquals(shown.split("up 00:01:01").length - 1, 3);
});

Deno.test("the end of the input ends the console, not the scheduler", async () => {
  const { ended, quits, prompts } = await converse("\n");
  assertEquals({ ended, quits, prompts }, { ended: "closed", quits: 0, prompts: 2 });
});

Deno.test("a terminal that went away ends the console, not the scheduler", async () => {
  const gone = () => Promise.reject(new Deno.errors.BrokenPipe("EPIPE"));
  const readable = ReadableStream.from([new TextEncoder().encode("\n")]);
  let quits = 0;
  const actions = { status: () => STATUS, quit: () => void quits++ };
  assertEquals(await runConsole({ readable, write: gone }, actions), "closed");
  const hungUp = new ReadableStream<Uint8Array>({
    pull: () => Promise.reject(new Error("Input/output error (os error 5)")),
  });
  assertEquals(
    await runConsole({ readable: hungUp, write: () => Promise.resolve() }, actions),
    "closed",
  );
  assertEquals(quits, 0);
});

Deno.test("an error in the scheduler's status is not taken for a lost terminal", async () => {
  await assertRejects(
    () =>
      runConsole(
        {
          readable: ReadableStream.from([new TextEncoder().encode("\n")]),
          write: () => Promise.resolve(),
        },
        {
          status: () => {
            throw new RangeError("bug");
          },
          quit: () => {},
        },
      ),
    RangeError,
    "bug",
  );
});

Deno.test("the signal ends a console that waits for input", async () => {
  const stop = new AbortController();
  const silent = new ReadableStream<Uint8Array>();
  const write = () => {
    stop.abort();
    return Promise.resolve();
  };
  const ended = runConsole({ readable: silent, write }, {
    status: () => STATUS,
    quit: () => {},
    signal: stop.signal,
  });
  assertEquals(await ended, "stopped");
  assertEquals(
    await runConsole({ readable: silent, write: () => Promise.resolve() }, {
      status: () => STATUS,
      quit: () => {},
      signal: stop.signal,
    }),
    "stopped",
  );
});

Deno.test("the signal ends a console whose terminal takes nothing", async () => {
  const stop = new AbortController();
  const write = () => {
    setTimeout(() => stop.abort());
    return new Promise<void>(() => {});
  };
  const actions = { status: () => STATUS, quit: () => {}, signal: stop.signal };
  const readable = new ReadableStream<Uint8Array>();
  assertEquals(await runConsole({ readable, write }, actions), "stopped");
});

Deno.test("foreground and background are told apart, whatever the command is called", () => {
  assertEquals(isForeground("42 (deno) S 1 42 7 34816 42 4194304 0"), true);
  assertEquals(isForeground("42 (a) b (c) S 1 42 7 34816 7 4194304 0"), false);
  assertEquals(isForeground(""), false);
});
