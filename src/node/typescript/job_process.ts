/**
 * The process of a TypeScript job: a Deno of its own with the permissions of jobs, and nothing of
 * the node's environment.
 *
 * @module
 */

import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { messageOf } from "../../log/error_message.ts";
import { KeptOutput } from "../kept_output.ts";
import { markedEnvironment } from "../marks.ts";
import { noteOwnChild } from "../own_children.ts";
import { endProcesses, type ProcessMark } from "../process_tree.ts";
import type { FromProcess, LoadOrder, ToProcess } from "./messages.ts";
import mainSource from "./job_main.ts" with { type: "text" };
import workerSource from "./job_worker.ts" with { type: "text" };

const SCRIPT = `const WORKER_SOURCE = ${JSON.stringify(workerSource)};\n${mainSource}`;

/** What Deno must have from its surroundings to find programs and its cache; nothing else goes. */
const PASSED_VARIABLES = ["PATH", "HOME", "TMPDIR", "LANG", "SystemRoot", "TEMP", "USERPROFILE"];

/** Which process of a job another one belongs to. */
const PROCESS_VARIABLE = "DISPYSCHEDULER_JOB_PROCESS";

/** How long output may still come once the process has ended: another may hold on to it. */
const OUTPUT_GRACE_MS = 1_000;

/** How a job's process is made. */
export interface JobProcessOptions {
  /** The Deno to run: a path, or a name that is looked for in PATH. */
  readonly deno: string;
  /** Flags for it: permissions, limits. */
  readonly flags: readonly string[];
  /** The working directory. */
  readonly folder: string;
  /** All variables that it has besides a few that every program needs. */
  readonly environment: Readonly<Record<string, string>>;
  readonly outputBytes: number;
  /** Whether it may have made other processes, which are to end with it. */
  readonly mayRunPrograms: boolean;
  /** See {@linkcode ComputationTask.launcher}. */
  readonly launcher: readonly string[];
  readonly order: LoadOrder;
}

/** How what a process was told to do went. */
export type CallOutcome =
  | { readonly kind: "returned"; readonly value: Uint8Array }
  | { readonly kind: "failed"; readonly reason: string };

/** What a job may ask for while it runs. */
export interface CallHost {
  provisionalResult(value: Uint8Array): Promise<boolean>;
  sendFile(path: string): Promise<boolean>;
}

/** See the module's description. Loads the computation's module, then waits to be told a job. */
export class JobProcess {
  /** Why the module or its setup failed, or `null` when it waits for a job. Never rejects. */
  readonly ready: Promise<string | null>;
  /** Resolves when the process and all that it has printed is there. Never rejects. */
  readonly closed: Promise<void>;
  readonly stdout: KeptOutput;
  readonly stderr: KeptOutput;
  readonly #child: ChildProcess;
  readonly #options: JobProcessOptions;
  /** By which all that it has started is found. */
  readonly #mark: ProcessMark = `${PROCESS_VARIABLE}=${crypto.randomUUID()}`;
  #onDone: (outcome: CallOutcome) => void;
  #host: CallHost | null = null;
  #isListening = false;
  #isGone = false;

  constructor(options: JobProcessOptions) {
    this.#options = options;
    this.stdout = new KeptOutput("stdout", options.outputBytes);
    this.stderr = new KeptOutput("stderr", options.outputBytes);
    const loaded = Promise.withResolvers<CallOutcome>();
    this.#onDone = loaded.resolve;
    this.ready = loaded.promise.then((done) => done.kind === "failed" ? done.reason : null);
    this.#child = start(options, this.#mark);
    this.closed = this.#watch();
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Whether it has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether the job wants to be told when it is cancelled. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** Calls a function of the module, once {@linkcode ready}. Only once. */
  call(name: string, args: Uint8Array, host: CallHost | null): Promise<CallOutcome> {
    const { promise, resolve } = Promise.withResolvers<CallOutcome>();
    if (this.#isGone) {
      resolve({ kind: "failed", reason: "The job's process has ended before the job." });
      return promise;
    }
    this.#onDone = resolve;
    this.#host = host;
    this.#tell({ kind: "call", name, args });
    return promise;
  }

  /** Tells the job that it is cancelled. */
  abort(): void {
    this.#tell({ kind: "abort" });
  }

  /** Ends the process softly: it has done what it was to do. */
  async dismiss(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.closed;
  }

  /** Ends the process and all that it has started, at once. */
  async kill(): Promise<void> {
    if (!this.#isGone) await endProcesses({ pid: this.pid, mark: this.#mark }, 0);
    await this.closed;
  }

  async #watch(): Promise<void> {
    const child = this.#child;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    let trouble: string | null = null;
    child.on("error", (error: Error) => {
      trouble ??= messageOf(error);
      if (child.pid === undefined) resolve();
    });
    child.on("exit", (code: number | null, signal: string | null) => {
      this.#isGone = true;
      // Deno does not always notice that nobody is there to talk to, and so would not close.
      if (child.connected) child.disconnect();
      trouble ??= signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
      // What it has started would keep its output open, and may get away.
      if (this.#options.mayRunPrograms) void endProcesses({ pid: this.pid, mark: this.#mark }, 0);
      const timer = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve();
      }, OUTPUT_GRACE_MS);
      child.on("close", () => clearTimeout(timer));
    });
    child.on("close", () => resolve());
    child.on("message", (message: unknown) => {
      if (isFromProcess(message)) void this.#onMessage(message);
    });
    child.stdout?.on("data", (chunk: Uint8Array) => this.stdout.push(chunk));
    child.stderr?.on("data", (chunk: Uint8Array) => this.stderr.push(chunk));
    child.stdin?.on("error", () => {}); // it has ended, which is told by its exit
    child.stdin?.end(SCRIPT);
    await closed;
    this.#isGone = true;
    const memory = /JavaScript.* out of memory/.test(this.stderr.text())
      ? ": it was out of memory"
      : "";
    this.#onDone({ kind: "failed", reason: `The job's process ${trouble}${memory}.` });
  }

  async #onMessage(message: FromProcess): Promise<void> {
    switch (message.kind) {
      case "up":
        return this.#tell({ kind: "load", order: this.#options.order });
      case "ready":
        return this.#onDone({ kind: "returned", value: new Uint8Array() });
      case "returned":
        return this.#onDone({ kind: "returned", value: message.value });
      case "thrown":
        return this.#onDone({ kind: "failed", reason: message.text });
      case "exited":
        return this.#onDone({
          kind: "failed",
          reason: `The job exited with code ${message.code} before its function returned.`,
        });
      case "listening":
        this.#isListening = true;
        return;
      case "provisional":
        return this.#answer(message.id, await this.#host?.provisionalResult(message.value));
      case "file":
        return this.#answer(message.id, await this.#host?.sendFile(message.path));
    }
  }

  #answer(id: number, isDone: boolean = false): void {
    this.#tell({ kind: "answer", id, isDone });
  }

  #tell(message: ToProcess): void {
    // It may end at any time, which is told by its exit.
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}

/** Whether a message is one of ours: a job can send whatever it likes. */
function isFromProcess(message: unknown): message is FromProcess {
  const { kind, code, value, text, id, path } = Object(message) as Record<string, unknown>;
  switch (kind) {
    case "up":
    case "ready":
    case "listening":
      return true;
    case "exited":
      return typeof code === "number";
    case "returned":
      return value instanceof Uint8Array;
    case "thrown":
      return typeof text === "string";
    case "provisional":
      return typeof id === "number" && value instanceof Uint8Array;
    case "file":
      return typeof id === "number" && typeof path === "string";
    default:
      return false;
  }
}

function start(
  { deno, flags, folder, environment, launcher }: JobProcessOptions,
  mark: ProcessMark,
): ChildProcess {
  const passed = PASSED_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const options = {
    cwd: folder,
    env: {
      ...Object.fromEntries(passed),
      NO_COLOR: "1",
      ...environment,
      ...markedEnvironment(mark),
    },
    stdio: ["pipe", "pipe", "pipe", "ipc"],
    serialization: "advanced",
    // Its processes are found by its group; Ctrl-C at the node's terminal is for the node alone.
    detached: true,
  };
  const [program = deno, ...args] = [
    ...launcher,
    deno,
    "run",
    "--quiet",
    "--no-prompt",
    "--no-config",
    "--no-lock",
    ...flags,
    "--ext=ts",
    "-",
  ];
  const child = spawn(program, args, options as SpawnOptions);
  if (child.pid !== undefined) {
    noteOwnChild(child.pid, new Promise((resolve) => child.on("exit", resolve)));
  }
  return child;
}
