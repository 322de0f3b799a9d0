/**
 * A computation of TypeScript functions: a process for each job.
 *
 * Deno cannot fork, so setup runs in every process, before its job: what it leaves in the module's
 * variables is there, and no job sees what another has done to them. The first process has run it
 * when the computation is ready. One process waits in advance, so that most jobs find theirs warm.
 *
 * @module
 */

import { serialize } from "node:v8";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf } from "../../log/error_message.ts";
import { dumps, loads, PickleError, PyTuple, type PyValue } from "../../pickle/mod.ts";
import { JobStatus } from "../../wire/mod.ts";
import { decodeTypeScriptCode } from "../../wire/typescript_jobs.ts";
import {
  type ComputationRunner,
  type ComputationTask,
  type JobEnd,
  type JobHost,
  type JobTask,
  RunnerError,
  type RunningJob,
  type SetupOutcome,
} from "../runner.ts";
import type { FolderAccess } from "../folder_access.ts";
import { type CallOutcome, JobProcess } from "./job_process.ts";
import {
  type JobPermission,
  mayImport,
  mayRead,
  mayRunPrograms,
  permissionFlags,
} from "./permissions.ts";

/** How long a job that listens for its cancellation has to end by itself. */
const TERMINATE_GRACE_MS = 5000;

/** How a node runs TypeScript. */
export interface TypeScriptSettings {
  /** The Deno to run: a path, or a name that is looked for in PATH. */
  readonly deno: string;
  /** What jobs may do beyond reading and writing in their folder. */
  readonly permissions: readonly JobPermission[];
}

/** Runs the jobs of one computation in TypeScript. */
export class TypeScriptComputation implements ComputationRunner {
  readonly #settings: TypeScriptSettings;
  readonly #task: ComputationTask;
  /** The file that holds the computation's module. */
  readonly #module: string;
  /** Where its processes keep what they compile. */
  readonly #cache: string;
  readonly #running = new Set<JobProcess>();
  #setupArgs: Uint8Array = NO_ARGUMENTS;
  /** A process that waits for a job. */
  #spare: JobProcess | null = null;
  #isClosed = false;

  private constructor(
    settings: TypeScriptSettings,
    task: ComputationTask,
    module: string,
    cache: string,
  ) {
    this.#settings = settings;
    this.#task = task;
    this.#module = module;
    this.#cache = cache;
  }

  /**
   * Takes a computation.
   *
   * @throws {RunnerError} where its module cannot be put into its folder
   */
  static async open(
    settings: TypeScriptSettings,
    task: ComputationTask,
  ): Promise<TypeScriptComputation> {
    const folder = await Deno.realPath(task.folder);
    const module = join(folder, `dispy_computation_${task.computeId}.ts`);
    try {
      await writeModule(task.access, folder, module, decodeTypeScriptCode(task.code) ?? task.code);
      const cache = await Deno.makeTempDir({ dir: task.scratchFolder, prefix: "deno-" });
      await task.access.own(cache);
      return new TypeScriptComputation(settings, { ...task, folder }, module, cache);
    } catch (error) {
      throw new RunnerError(`the module cannot be kept: ${messageOf(error)}`, { cause: error });
    }
  }

  async setup(setupArgs: Uint8Array): Promise<SetupOutcome> {
    try {
      const args = loads(setupArgs);
      if (!(args instanceof PyTuple)) throw new PickleError("not a tuple");
      if (args.items.length > 0) this.#setupArgs = requireBytes(args.items[0]);
    } catch (error) {
      if (!(error instanceof PickleError)) throw error;
      return { kind: "failed", reason: `setup arguments are not of TypeScript: ${error.message}` };
    }
    const first = this.#newProcess();
    const trouble = await first.ready;
    if (trouble === null && !this.#isClosed) {
      this.#spare = first;
      return { kind: "ready" };
    }
    await first.kill();
    return {
      kind: "failed",
      reason: this.#isClosed ? "The computation was closed." : `"setup" failed with ${trouble}`,
    };
  }

  start(job: JobTask, host: JobHost): RunningJob {
    const process = this.#takeProcess();
    const state = { isTerminated: false };
    const ended = this.#run(process, job, host, state);
    return {
      ended,
      findPid: () => Promise.resolve(process.pid),
      terminate: () => {
        if (state.isTerminated) return;
        state.isTerminated = true;
        process.abort();
        const timer = setTimeout(
          () => void process.kill(),
          process.isListening ? TERMINATE_GRACE_MS : 0,
        );
        void process.closed.then(() => clearTimeout(timer));
      },
    };
  }

  async cleanup(): Promise<void> {
    const { cleanup } = this.#task;
    if (cleanup === null) return;
    const process = this.#takeProcess(false);
    const trouble = await process.ready;
    const outcome: CallOutcome = trouble === null
      ? await process.call(cleanup, this.#setupArgs, null)
      : { kind: "failed", reason: trouble };
    await process.dismiss();
    if (outcome.kind === "returned" || this.#isClosed) return;
    this.#task.log("warning", `"cleanup" failed with ${outcome.reason}`);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#running].map((process) => process.kill()));
    await this.#task.access.removeFile(this.#module);
    await this.#task.access.removeTree(this.#cache);
  }

  async #run(
    process: JobProcess,
    job: JobTask,
    host: JobHost,
    state: { readonly isTerminated: boolean },
  ): Promise<JobEnd> {
    const outcome = await this.#call(process, job, host);
    await process.dismiss();
    const hasReturned = outcome.kind === "returned";
    return {
      status: hasReturned ? JobStatus.Finished : JobStatus.Terminated,
      result: dumps(hasReturned ? outcome.value : null),
      stdout: process.stdout.text(),
      stderr: process.stderr.text(),
      exception: hasReturned || state.isTerminated ? null : outcome.reason,
    };
  }

  async #call(process: JobProcess, job: JobTask, host: JobHost): Promise<CallOutcome> {
    if (job.code.trim() !== "") {
      return { kind: "failed", reason: "A TypeScript job cannot bring code of its own." };
    }
    let args: Uint8Array;
    try {
      args = requireBytes(loads(job.args));
    } catch (error) {
      if (!(error instanceof PickleError)) throw error;
      return { kind: "failed", reason: `The arguments are not of TypeScript: ${error.message}.` };
    }
    const trouble = await process.ready;
    if (trouble !== null) return { kind: "failed", reason: trouble };
    const direct = { relay: false, timeoutMs: null };
    return await process.call(this.#task.name, args, {
      provisionalResult: (value) => host.provisionalResult({ ...direct, result: dumps(value) }),
      sendFile: async (name) => {
        const path = await this.#readable(name);
        return path !== null && await host.sendFile({ ...direct, name, path });
      },
    });
  }

  /** Where a file is that a job names; `null` where it may not read it, or there is none. */
  async #readable(name: string): Promise<string | null> {
    const { folder } = this.#task;
    try {
      const path = await Deno.realPath(resolve(folder, name));
      return mayRead(this.#settings.permissions, folder, path) ? path : null;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      this.#task.log("warning", `a job's file cannot be sent: ${messageOf(error)}`);
      return null;
    }
  }

  /** A process for a job: the one that waits, if there is one. Then another has to wait. */
  #takeProcess(needsSpare: boolean = true): JobProcess {
    const spare = this.#spare;
    // The system may have killed it meanwhile, as it was short of memory.
    const process = spare === null || spare.isGone ? this.#newProcess() : spare;
    this.#spare = needsSpare && !this.#isClosed ? this.#newProcess() : null;
    return process;
  }

  #newProcess(): JobProcess {
    const {
      folder,
      name,
      setup,
      cleanup,
      limits,
      environment,
      nodeName,
      nodeIpAddr,
      launcher,
      programLauncher,
    } = this.#task;
    const { deno, permissions } = this.#settings;
    const process = new JobProcess({
      deno,
      flags: [
        ...permissionFlags(permissions, folder, this.#module),
        ...memoryFlags(limits.memoryBytes),
      ],
      folder,
      // What jobs may import is kept with what the node's own Deno keeps.
      environment: mayImport(permissions) ? environment : { ...environment, DENO_DIR: this.#cache },
      outputBytes: limits.outputBytes,
      mayRunPrograms: mayRunPrograms(permissions),
      // What cannot start anything need not be held.
      launcher: mayRunPrograms(permissions) ? launcher : programLauncher,
      order: {
        module: pathToFileURL(this.#module).href,
        functions: [name, setup, cleanup].filter((each) => each !== null),
        setup,
        setupArgs: this.#setupArgs,
        nodeName,
        nodeIpAddr,
      },
    });
    this.#running.add(process);
    void process.closed.then(() => this.#running.delete(process));
    return process;
  }
}

async function writeModule(
  access: FolderAccess,
  folder: string,
  module: string,
  source: string,
): Promise<void> {
  const staged = await Deno.makeTempFile({
    dir: access.stagingFolder(folder),
    prefix: ".arriving-",
  });
  await Deno.writeTextFile(staged, source);
  const nowS = Date.now() / 1000;
  await access.install(staged, module, { mode: 0o644, atimeS: nowS, mtimeS: nowS });
}

/** `node:v8`'s bytes of an array without any argument. */
const NO_ARGUMENTS = new Uint8Array(serialize([]));

function requireBytes(value: PyValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new PickleError("not bytes");
}

function memoryFlags(memoryBytes: number | null): string[] {
  if (memoryBytes === null) return [];
  return [`--v8-flags=--max-old-space-size=${Math.max(16, Math.floor(memoryBytes / 2 ** 20))}`];
}
