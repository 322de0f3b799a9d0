/**
 * The Python process that runs a computation, as a pair of streams of frames.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";
import { messageOf } from "../../log/error_message.ts";
import { markedEnvironment } from "../marks.ts";
import { noteOwnChild } from "../own_children.ts";
import { outerPid } from "../process_table.ts";
import { endProcesses, findProcesses, type ProcessMark } from "../process_tree.ts";
import { RunnerError } from "../runner.ts";
import { GuardWatch } from "./guard_watch.ts";
import { type Frame, frameHeader, FrameReader, fromJson, Notice, Request } from "./protocol.ts";
import common from "./harness/common.py" with { type: "text" };
import guard from "./harness/guard.py" with { type: "text" };
import job from "./harness/job.py" with { type: "text" };
import processes from "./harness/processes.py" with { type: "text" };
import template from "./harness/template.py" with { type: "text" };

/** Stands before the first frame. A Python may greet the world before: its site's owner says so. */
const FRAMES_BEGIN = "dispyscheduler:frames:";

/** What a Python must be to run jobs: ends with what is wrong. */
export const REQUIREMENTS = `
import sys
import os
if sys.version_info < (3, 8):
    sys.exit('it is Python %d.%d, and jobs need 3.8 or newer' % sys.version_info[:2])
if not hasattr(os, 'fork'):
    sys.exit('it cannot fork, as on Windows, and jobs need that')
`;

/**
 * What Python is started with: it reads the harness from its stdin. First of all the current folder
 * leaves the module path, where a computation's files could stand for modules of Python's.
 */
const BOOTSTRAP = `
import sys
sys.path[:] = [path for path in sys.path if path]
${REQUIREMENTS}
import json
def read(size):
    data = b''
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data
space = {'__name__': 'dispyscheduler_harness'}
for name, source in json.loads(read(int(read(10)))):
    exec(compile(source, name, 'exec'), space)
os.write(1, b'${FRAMES_BEGIN}')
space['Guard']().run()
`;

const SOURCES = new TextEncoder().encode(JSON.stringify([
  ["common.py", common],
  ["processes.py", processes],
  ["job.py", job],
  ["template.py", template],
  ["guard.py", guard],
]));

const HARNESS = [new TextEncoder().encode(String(SOURCES.length).padStart(10)), SOURCES];

/** How long Python may take to end once it is told to, before it is killed. */
const CLOSE_LIMIT_MS = 10_000;

/** How long output may still come once Python has ended: a process may hold on to it. */
const OUTPUT_GRACE_MS = 1_000;

/** Of what Python says on stderr when it cannot go on: the end, where the error stands. */
const STDERR_TAIL_CHARS = 2000;

/** Which harness a process belongs to. */
const HARNESS_VARIABLE = "DISPYSCHEDULER_HARNESS";

/** How a harness is started. */
export interface HarnessOptions {
  /** The Python to run: a path, or a name that is looked for in PATH. */
  readonly python: string;
  /** Its working directory. */
  readonly folder: string;
  /** See {@linkcode ComputationTask.launcher}. */
  readonly launcher: readonly string[];
  /** Variables besides the node's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Gets what the harness says, in order. */
  onFrame(frame: Frame): void;
  /** Called once, when nothing more comes; `reason` is what Python has said last, or "". */
  onEnd(reason: string): void;
}

/** A Python process in which the harness runs. */
export class Harness {
  /** Of the Python that runs: "3.11.4". */
  readonly version: string;
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #mark: ProcessMark;
  readonly #watch: GuardWatch;
  #ended: Promise<unknown> = Promise.resolve();
  /** Why Python was killed; `null` where it was not. */
  #killReason: string | null = null;

  private constructor(
    process: Deno.ChildProcess,
    writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>,
    mark: ProcessMark,
    version: string,
  ) {
    this.#process = process;
    this.#writer = writer;
    this.#mark = mark;
    this.version = version;
    this.#watch = new GuardWatch(
      process.pid,
      () => this.send(Request.Ping, 0),
      (reason) => void this.kill(`the process that watches over it was killed: ${reason}`),
    );
  }

  /**
   * Starts Python, and waits until the harness runs in it.
   *
   * @throws {RunnerError} where there is no Python, or none that can run the harness
   */
  static async start(options: HarnessOptions): Promise<Harness> {
    const mark: ProcessMark = `${HARNESS_VARIABLE}=${crypto.randomUUID()}`;
    const process = spawn(options, mark);
    const writer = process.stdin.getWriter();
    for (const chunk of HARNESS) writer.write(chunk).catch(ignoreClosedPipe);
    const [stdout, stderr] = [process.stdout.getReader(), process.stderr.getReader()];
    void process.status.then(() => settle(stdout, stderr));
    const said = readTail(stderr);
    const frames = readFrames(stdout);
    const first = await frames.next();
    if (first.done) {
      writer.close().catch(ignoreClosedPipe);
      const [{ code }, reason] = await Promise.all([process.status, said]);
      throw new RunnerError(
        `Python jobs cannot run here with ${options.python}: ` +
          (reason.split("\n").at(-1) || `it has ended with code ${code}`),
      );
    }
    const { version } = fromJson(first.value.payload) as { version: string };
    const harness = new Harness(process, writer, mark, version);
    harness.#ended = harness.#run(frames, said, options);
    return harness;
  }

  async #run(
    frames: AsyncGenerator<Frame>,
    said: Promise<string>,
    { onFrame, onEnd }: HarnessOptions,
  ): Promise<void> {
    for await (const frame of frames) {
      if (frame.kind === Notice.Pong) this.#watch.onAnswer();
      else onFrame(frame);
    }
    this.#watch.close();
    // It may have closed its output and go on, or leave behind what it was to end.
    await endProcesses({ pid: this.#process.pid, mark: this.#mark }, 0);
    onEnd(this.#killReason ?? await said);
    await this.#process.status;
  }

  /** The id of one of its processes, by which that process calls itself; `null` if it is gone. */
  async findPid(inner: number): Promise<number | null> {
    return outerPid(inner, await findProcesses({ pid: this.#process.pid, mark: this.#mark }));
  }

  /** Tells the harness something. Once it has ended, nobody hears it. */
  send(kind: number, number: number, payload: readonly Uint8Array[] = []): void {
    const sizeBytes = payload.reduce((sum, part) => sum + part.length, 0);
    for (const part of [frameHeader(kind, number, sizeBytes), ...payload]) {
      this.#writer.write(part as Uint8Array<ArrayBuffer>).catch(ignoreClosedPipe);
    }
  }

  /** Kills Python and every process that it has started: it does not do as it is told. */
  async kill(reason: string): Promise<void> {
    this.#killReason ??= reason;
    await endProcesses({ pid: this.#process.pid, mark: this.#mark }, 0);
  }

  /** Kills Python where it is stopped, and so cannot do as it is told. */
  killIfStopped(): void {
    if (this.#watch.isStopped()) void this.kill("a job has stopped it");
  }

  /** Ends Python and every process that it has started, and resolves when they are gone. */
  async close(): Promise<void> {
    this.#writer.close().catch(ignoreClosedPipe);
    this.killIfStopped();
    const timer = setTimeout(() => void this.kill("it did not end"), CLOSE_LIMIT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

function spawn(
  { python, folder, environment, launcher }: HarnessOptions,
  mark: ProcessMark,
): Deno.ChildProcess {
  const [program = python, ...args] = [...launcher, python, "-c", BOOTSTRAP];
  try {
    const process = new Deno.Command(program, {
      args,
      cwd: folder,
      env: { ...environment, ...markedEnvironment(mark) },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // Ctrl-C at the node's terminal is for the node alone, which then closes what it runs.
      detached: true,
    }).spawn();
    noteOwnChild(process.pid, process.status);
    return process;
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? `there is no ${program}: install Python 3.8 or newer`
      : messageOf(error);
    throw new RunnerError(`Python jobs cannot run here: ${reason}`, { cause: error });
  }
}

type Output = ReadableStreamDefaultReader<Uint8Array>;

/** Ends the reading of output soon after the process that has made it. */
function settle(...outputs: Output[]): void {
  const timer = setTimeout(() => {
    for (const output of outputs) void output.cancel();
  }, OUTPUT_GRACE_MS);
  void Promise.all(outputs.map(({ closed }) => closed)).then(() => clearTimeout(timer));
}

async function* chunks(output: Output): AsyncGenerator<Uint8Array> {
  for (let next = await output.read(); !next.done; next = await output.read()) yield next.value;
}

async function* readFrames(stdout: Output): AsyncGenerator<Frame> {
  const reader = new FrameReader();
  let greeting: Uint8Array | null = new Uint8Array();
  for await (let chunk of chunks(stdout)) {
    if (greeting !== null) {
      const soFar: Uint8Array<ArrayBuffer> = concat([greeting, chunk]);
      // One character for each byte, so that positions are the same.
      const at = new TextDecoder("latin1").decode(soFar).indexOf(FRAMES_BEGIN);
      greeting = at < 0 ? soFar : null;
      if (at < 0) continue;
      chunk = soFar.subarray(at + FRAMES_BEGIN.length);
    }
    yield* reader.push(chunk);
  }
}

async function readTail(stderr: Output): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of chunks(stderr)) {
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-STDERR_TAIL_CHARS);
  }
  return tail.trim();
}

/** A write fails when Python has ended; that is told by the end of what it says. */
function ignoreClosedPipe(): void {}
