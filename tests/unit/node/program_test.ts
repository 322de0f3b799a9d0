import { OWN_ACCESS } from "../../../src/node/folder_access.ts";
import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { newComputationMark } from "../../../src/node/marks.ts";
import { ProgramLanguage } from "../../../src/node/program/language.ts";
import type { JobEnd, JobTask, RunnerLimits, RunningJob } from "../../../src/node/runner.ts";
import { dumps, loads, PyTuple, type PyValue } from "../../../src/pickle/mod.ts";
import { JobStatus } from "../../../src/wire/mod.ts";

const onlyUnix = { ignore: Deno.build.os === "windows" };

const HOST = {
  provisionalResult: () => Promise.resolve(false),
  sendFile: () => Promise.resolve(false),
};

function jobTask(args: PyValue[]): JobTask {
  return {
    uid: 1,
    args: dumps(new PyTuple(args)),
    kwargs: dumps(null),
    code: "",
    environment: { DISPYSCHEDULER_JOB: crypto.randomUUID() },
  };
}

/** Runs a script once; `meanwhile` is called when it has started. */
async function run(
  script: string,
  options: {
    readonly args?: PyValue[];
    readonly name?: string;
    readonly limits?: Partial<RunnerLimits>;
    readonly programLauncher?: readonly string[];
    readonly meanwhile?: (job: RunningJob, folder: string) => Promise<void>;
  } = {},
): Promise<JobEnd> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/${options.name ?? "prog"}`;
    await Deno.writeTextFile(path, script, { mode: 0o755 });
    const runner = await new ProgramLanguage({ python: "python3" }, null).open({
      computeId: 1,
      name: path,
      code: "",
      setup: null,
      cleanup: null,
      folder,
      nodeName: "name of the node",
      scratchFolder: folder,
      launcher: [],
      programLauncher: options.programLauncher ?? [],
      access: OWN_ACCESS,
      nodeIpAddr: "127.0.0.2",
      environment: { MARKED: newComputationMark() },
      limits: { memoryBytes: null, outputBytes: 1000, ...options.limits },
      log: () => {},
    });
    const job = runner.start(jobTask(options.args ?? []), HOST);
    await options.meanwhile?.(job, folder);
    const end = await job.ended;
    await runner.close();
    return end;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Resolves when a file is there. */
async function untilThere(path: string): Promise<void> {
  for (;;) {
    try {
      await Deno.stat(path);
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const text = (output: string | Uint8Array | null) => new TextDecoder().decode(output as Uint8Array);
const result = (end: JobEnd) => loads(end.result);

Deno.test(
  "a program gets its arguments, and tells its exit code and output",
  onlyUnix,
  async () => {
    const end = await run('#!/bin/sh\necho "$1|$2"; echo oops >&2; exit 3', {
      args: ["one", new TextEncoder().encode("two words")],
    });
    equal([end.status, result(end), end.exception], [JobStatus.Finished, 3n, null]);
    equal([text(end.stdout), text(end.stderr)], ["one|two words\n", "oops\n"]);
  },
);

Deno.test(
  "a program finds node and folder in its environment, and nothing on stdin",
  onlyUnix,
  async () => {
    const end = await run(
      '#!/bin/sh\necho "$dispy_node_name $dispy_node_ip_addr"; [ "$PWD" = "$dispy_job_path" ] || ' +
        'exit 1; case "$PATH" in "$PWD":*) ;; *) exit 2;; esac; cat',
    );
    equal([result(end), text(end.stdout)], [0n, "name of the node 127.0.0.2\n"]);
  },
);

Deno.test("a program that a signal has ended tells it as Python does", onlyUnix, async () => {
  equal(result(await run("#!/bin/sh\nkill -TERM $$")), -15n);
});

Deno.test(
  "what a program prints beyond the limit is dropped, and it is not held up",
  onlyUnix,
  async () => {
    const end = await run("#!/bin/sh\nhead -c 300000 /dev/zero | tr '\\0' x; echo end >&2");
    equal(text(end.stdout).slice(0, 1001), "x".repeat(1000) + "\n");
    match(text(end.stdout), /\[299000 more bytes of stdout were dropped/);
    equal(text(end.stderr), "end\n");
  },
);

Deno.test(
  "a program has ended when it has, though a child of it holds on to its output",
  onlyUnix,
  async () => {
    const end = await run('#!/bin/sh\nsleep 60 & echo "$!"');
    equal(end.status, JobStatus.Finished);
    Deno.kill(Number(text(end.stdout)), "SIGKILL");
  },
);

Deno.test(
  "a program that is told to end is Terminated, and keeps its exit code and what it has said",
  onlyUnix,
  async () => {
    const end = await run(
      "#!/bin/sh\ntrap 'echo interrupted; exit 3' INT\n: > started\n" +
        "while :; do sleep 0.01; done",
      {
        meanwhile: async (job, folder) => {
          await untilThere(`${folder}/started`);
          job.terminate();
          job.terminate();
        },
      },
    );
    equal([end.status, result(end)], [JobStatus.Terminated, 3n]);
    equal(text(end.stdout), "interrupted\n");
  },
);

Deno.test("a program that cannot be started is Terminated, with the reason", onlyUnix, async () => {
  const end = await run("no program", { name: "prog" });
  ok(end.status === JobStatus.Terminated || result(end) !== 0n);
  const missing = await run("#!/no/such/interpreter");
  equal(missing.status, JobStatus.Terminated);
  match(missing.exception ?? "", /No such file|not found/i);
});

Deno.test(
  "so is one that something else stands before, or that has a limit",
  onlyUnix,
  async () => {
    for (
      const options of [
        { programLauncher: ["sh", "-c", 'exec "$@"', "sh"] },
        { limits: { memoryBytes: 1 << 30 } },
      ]
    ) {
      const missing = await run("#!/no/such/interpreter", options);
      equal([missing.status, missing.stderr], [JobStatus.Terminated, null]);
      match(missing.exception ?? "", /not found|No such file/i);
      const other = await run("#!/bin/sh\necho 'sh: 1: exec: x: not found' >&2; exit 127", options);
      equal([other.status, result(other)], [JobStatus.Finished, 127n]);
      const killed = await run("#!/bin/sh\nkill -9 $$", options);
      equal([killed.status, result(killed)], [JobStatus.Finished, -9n]);
    }
  },
);

Deno.test("arguments that no program takes are an error of the job", onlyUnix, async () => {
  const end = await run("#!/bin/sh\n", { args: ["good", 7n] });
  equal(end.status, JobStatus.Terminated);
  match(end.exception ?? "", /argument 2 .* must be a str or bytes/);
});

Deno.test("a limit of memory is the system's own for a program's data", onlyUnix, async () => {
  const end = await run("#!/bin/sh\nulimit -S -d", { limits: { memoryBytes: 64 * 1024 * 1024 } });
  equal(text(end.stdout), "65536\n");
});

Deno.test("a .py file is run by Python", {
  ignore: Deno.env.get("CI") !== "true" &&
    !await new Deno.Command("python3", { args: ["-c", "1"] }).output().then(
      () => true,
      () => false,
    ),
}, async () => {
  const end = await run("import sys\nprint(sys.argv[1:])", { name: "prog.py", args: ["a"] });
  equal([result(end), text(end.stdout)], [0n, "['a']\n"]);
});
