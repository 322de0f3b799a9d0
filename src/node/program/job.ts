/**
 * One run of a program.
 *
 * @module
 */

import { constants } from "node:os";
import { delimiter } from "node:path";
import { messageOf } from "../../log/error_message.ts";
import { dumps, loads, PickleError, PyTuple } from "../../pickle/mod.ts";
import { JobStatus } from "../../wire/mod.ts";
import { KeptOutput } from "../kept_output.ts";
import { JOB_VARIABLE } from "../marks.ts";
import { noteOwnChild } from "../own_children.ts";
import { endProcesses, type ProcessMark } from "../process_tree.ts";
import type { ComputationTask, JobEnd, JobTask, RunningJob } from "../runner.ts";

/** How long output may still come once the program has ended: children may hold on to it. */
const OUTPUT_GRACE_MS = 1000;

const NONE = dumps(null);

/**
 * Runs what stands behind the first argument: a limit for its data in kibibytes, or "". Where that
 * cannot be started, the shell says so in a line that begins with its own name, which we choose.
 */
const START = '[ -n "$1" ] && ulimit -S -d "$1" 2>/dev/null; shift; exec "$@"';

/** Exit codes of a shell that cannot start a command. */
const NOT_STARTED: readonly number[] = [126, 127];

/** See the module's description. */
export class ProgramJob implements RunningJob {
  readonly ended: Promise<JobEnd>;
  #child: Deno.ChildProcess | null = null;
  #isTold = false;
  #ending: Promise<unknown> = Promise.resolve();
  readonly #mark: ProcessMark;

  /** @param command What is run, up to the job's own arguments. */
  constructor(task: ComputationTask, command: readonly string[], job: JobTask) {
    this.#mark = `${JOB_VARIABLE}=${job.environment[JOB_VARIABLE] ?? ""}`;
    this.ended = this.#run(task, command, job).catch((error) => failed(messageOf(error)));
  }

  findPid(): Promise<number | null> {
    return Promise.resolve(this.#child?.pid ?? null);
  }

  terminate(): void {
    if (this.#isTold || this.#child === null) return;
    this.#isTold = true;
    this.#ending = endProcesses({ pid: this.#child.pid, mark: this.#mark });
  }

  async #run(task: ComputationTask, command: readonly string[], job: JobTask): Promise<JobEnd> {
    const argv = [...command, ...programArguments(job.args)];
    const shell = `dispyscheduler-${crypto.randomUUID()}`;
    const child = this.#child = spawn(task, argv, job, shell);
    const stdout = new Output("stdout", child.stdout, task.limits.outputBytes);
    const stderr = new Output("stderr", child.stderr, task.limits.outputBytes);
    const status = await child.status;
    await Promise.all([stdout.settle(), stderr.settle()]);
    // Of one that was told to end, no child is left either when it counts as ended.
    await this.#ending;
    const isUnstarted = NOT_STARTED.includes(status.code);
    const refusal = isUnstarted ? saidBy(shell, stderr.kept.bytes()) : null;
    if (refusal !== null) throw new Error(refusal);
    return {
      status: this.#isTold ? JobStatus.Terminated : JobStatus.Finished,
      // Also of one that was told to end, as dispynode does: its exit code may say what it has saved.
      result: dumps(BigInt(exitCode(status))),
      stdout: stdout.kept.bytes(),
      stderr: stderr.kept.bytes(),
      exception: null,
    };
  }
}

/** A stream of output while it is read. */
class Output {
  readonly kept: KeptOutput;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #read: Promise<void>;

  constructor(name: "stdout" | "stderr", stream: ReadableStream<Uint8Array>, limitBytes: number) {
    this.kept = new KeptOutput(name, limitBytes);
    this.#reader = stream.getReader();
    this.#read = this.#readAll();
  }

  /** Resolves when no more is expected. */
  async settle(): Promise<void> {
    const timer = setTimeout(() => void this.#reader.cancel(), OUTPUT_GRACE_MS);
    await this.#read;
    clearTimeout(timer);
  }

  async #readAll(): Promise<void> {
    for (let chunk = await this.#reader.read(); !chunk.done; chunk = await this.#reader.read()) {
      this.kept.push(chunk.value);
    }
  }
}

/** What a shell of that name has said when it could not start a program; `null` if nothing. */
function saidBy(shell: string, stderr: Uint8Array): string | null {
  const line = new TextDecoder().decode(stderr).trimEnd().split("\n").at(-1) ?? "";
  return line.startsWith(`${shell}: `) ? line.slice(shell.length + 2) : null;
}

/** @param shell How a shell calls itself that is needed to start the program. */
function spawn(
  task: ComputationTask,
  argv: readonly string[],
  job: JobTask,
  shell: string,
): Deno.ChildProcess {
  const { limits: { memoryBytes }, programLauncher } = task;
  const needsShell = Deno.build.os !== "windows" &&
    (memoryBytes !== null || programLauncher.length > 0);
  const limit = memoryBytes === null ? "" : String(Math.ceil(memoryBytes / 1024));
  const [program = "", ...args] = needsShell
    ? [...programLauncher, "sh", "-c", START, shell, limit, ...argv]
    : argv;
  const child = new Deno.Command(program, {
    args,
    cwd: task.folder,
    env: {
      ...task.environment,
      ...job.environment,
      PATH: task.folder + delimiter + (Deno.env.get("PATH") ?? ""),
      dispy_node_name: task.nodeName,
      dispy_node_ip_addr: task.nodeIpAddr,
      dispy_job_path: task.folder,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // Leads a process group and session of its own, so that all of it can be ended.
    detached: true,
  }).spawn();
  noteOwnChild(child.pid, child.status);
  return child;
}

/** The arguments that the client has given: texts. */
function programArguments(args: Uint8Array): string[] {
  let value: unknown;
  try {
    value = loads(args);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new Error(`the arguments of the job cannot be read: ${error.message}`);
  }
  const items = value instanceof PyTuple ? value.items : Array.isArray(value) ? value : [];
  return items.map((item, index) => {
    if (typeof item === "string") return item;
    if (item instanceof Uint8Array) return new TextDecoder().decode(item);
    throw new Error(`argument ${index + 1} of a program must be a str or bytes`);
  });
}

/** As Python's `returncode` tells it: a signal is its number, negated. */
function exitCode({ code, signal }: Deno.CommandStatus): number {
  if (signal === null) return code;
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return -(numbers[signal] ?? code - 128);
}

function failed(exception: string): JobEnd {
  return { status: JobStatus.Terminated, result: NONE, stdout: null, stderr: null, exception };
}
