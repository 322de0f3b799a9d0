/**
 * The Python process that runs a computation, as a pair of streams of frames.
 *
 * @module
 */

import { concat } from "@std/bytes/concat.js";
import { messageOf } from "../../log/error_message.ts";
import { RunnerError } from "../runner.ts";
import { type Frame, frameHeader, FrameReader, fromJson } from "./protocol.ts";
import common from "./harness/common.py" with { type: "text" };
import guard from "./harness/guard.py" with { type: "text" };
import job from "./harness/job.py" with { type: "text" };
import processes from "./harness/processes.py" with { type: "text" };
import template from "./harness/template.py" with { type: "text" };

/** Stands before the first frame. A Python may greet the world before: its site's owner says so. */
const FRAMES_BEGIN = "dispyscheduler:frames:";

/**
 * What Python is started with: it reads the harness from its stdin. First of all the current folder
 * leaves the module path, where a computation's files could stand for modules of Python's.
 */
const BOOTSTRAP = `
import sys
sys.path[:] = [path for path in sys.path if path]
import os
if sys.version_info < (3, 8):
    sys.exit('it is Python %d.%d, and jobs need 3.8 or newer' % sys.version_info[:2])
if not hasattr(os, 'fork'):
    sys.exit('it cannot fork, as on Windows, and jobs need that')
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

/** Of what Python says on stderr when it cannot go on: the end, where the error stands. */
const STDERR_TAIL_CHARS = 2000;

/** How a harness is started. */
export interface HarnessOptions {
  /** The Python to run: a path, or a name that is looked for in PATH. */
  readonly python: string;
  /** Its working directory. */
  readonly folder: string;
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
  #ended: Promise<unknown> = Promise.resolve();

  private constructor(
    process: Deno.ChildProcess,
    writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>,
    version: string,
  ) {
    this.#process = process;
    this.#writer = writer;
    this.version = version;
  }

  /**
   * Starts Python, and waits until the harness runs in it.
   *
   * @throws {RunnerError} where there is no Python, or none that can run the harness
   */
  static async start(options: HarnessOptions): Promise<Harness> {
    const process = spawn(options);
    const writer = process.stdin.getWriter();
    for (const chunk of HARNESS) writer.write(chunk).catch(ignoreClosedPipe);
    const said = readTail(process.stderr);
    const frames = readFrames(process.stdout);
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
    const harness = new Harness(process, writer, version);
    harness.#ended = (async () => {
      for await (const frame of frames) options.onFrame(frame);
      options.onEnd(await said);
      await process.status;
    })();
    return harness;
  }

  /** Tells the harness something. Once it has ended, nobody hears it. */
  send(kind: number, number: number, payload: readonly Uint8Array[] = []): void {
    const sizeBytes = payload.reduce((sum, part) => sum + part.length, 0);
    for (const part of [frameHeader(kind, number, sizeBytes), ...payload]) {
      this.#writer.write(part as Uint8Array<ArrayBuffer>).catch(ignoreClosedPipe);
    }
  }

  /** Ends Python and every process that it has started, and resolves when they are gone. */
  async close(): Promise<void> {
    this.#writer.close().catch(ignoreClosedPipe);
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), CLOSE_LIMIT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

function spawn({ python, folder, environment }: HarnessOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(python, {
      args: ["-c", BOOTSTRAP],
      cwd: folder,
      env: environment,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? `there is no ${python}: install Python 3.8 or newer`
      : messageOf(error);
    throw new RunnerError(`Python jobs cannot run here: ${reason}`, { cause: error });
  }
}

async function* readFrames(stdout: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  const reader = new FrameReader();
  let greeting: Uint8Array | null = new Uint8Array();
  for await (let chunk of stdout) {
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

async function readTail(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let tail = "";
  for await (const text of stderr.pipeThrough(new TextDecoderStream() as TransformStream)) {
    tail = (tail + text).slice(-STDERR_TAIL_CHARS);
  }
  return tail.trim();
}

/** A write fails when Python has ended; that is told by the end of what it says. */
function ignoreClosedPipe(): void {}
