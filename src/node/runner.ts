/**
 * What stands between the node and whatever runs jobs: programs, Python functions, TypeScript
 * functions. The node knows dispy's protocol, files, CPUs and time limits; a runner knows how code
 * of its kind is loaded, called and ended, and nothing of the network.
 *
 * The life of a {@linkcode ComputationRunner}, all driven by the node:
 *
 * 1. {@linkcode JobLanguage.open} when the scheduler sends the computation: the code is checked.
 * 2. {@linkcode ComputationRunner.setup}, once, when the computation's files are there. Jobs see
 *    what it leaves behind: the globals it has set, the files it has opened.
 * 3. {@linkcode ComputationRunner.start} for each job, several at a time, each in a process of
 *    its own that begins in the state after setup, unharmed by what other jobs do.
 * 4. {@linkcode ComputationRunner.cleanup}, once, when no job is left.
 * 5. {@linkcode ComputationRunner.close}, at any time after 1, also in the middle of all others.
 *
 * @module
 */

import type { FolderAccess } from "./folder_access.ts";
import type { JobStatus } from "../wire/mod.ts";

/** How many bytes of memory, and of what it prints, a job may take. */
export interface RunnerLimits {
  /**
   * Memory for the data of each of a job's processes, to be set as the system's own limit where it
   * has one (`RLIMIT_DATA`), so that the job sees an allocation fail. The node watches all of a
   * job's processes together besides, and ends the job. `null` = no limit.
   */
  readonly memoryBytes: number | null;
  /**
   * Bytes of stdout, and as many of stderr, that are kept; the rest is read and dropped, with a
   * line at the end that says so. Keeps a job that prints for ever from filling the node.
   */
  readonly outputBytes: number;
}

/** A computation as its runner sees it. */
export interface ComputationTask {
  /** Names the computation in the log. */
  readonly computeId: number;
  /** The function to call, or a program's absolute path in {@linkcode folder}. */
  readonly name: string;
  /**
   * Source text that defines the function and what it depends on: in Python to be executed in
   * `__main__`, as dispynode does, so that pickles that name `__main__.Something` find it. "" for
   * programs. A payload, not for logs.
   */
  readonly code: string;
  /** The function to call before all jobs, with the setup arguments. */
  readonly setup: string | null;
  /** The function to call after all jobs, with the setup arguments. */
  readonly cleanup: string | null;
  /**
   * Absolute path of the computation's folder: the working directory of setup, jobs and cleanup,
   * first in Python's `sys.path`, and where files of the computation and of its jobs are.
   */
  readonly folder: string;
  /** Absolute path of a folder for what the runner itself needs; whatever is left goes with it. */
  readonly scratchFolder: string;
  /** `dispy_node_name` in jobs. */
  readonly nodeName: string;
  /** `dispy_node_ip_addr` in jobs: the node's address as the scheduler knows it. */
  readonly nodeIpAddr: string;
  /**
   * Variables that every process of the computation must have in addition to the node's own: among
   * them the marks by which its processes are found again (see `process_tree.ts`).
   */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * What stands before each command that may run code of the computation, so that all that it starts
   * ends with it; empty where the machine has nothing for it. Not before programs, see `ProgramJob`.
   */
  readonly launcher: readonly string[];
  /** What stands before each program of a computation of programs; empty = nothing. */
  readonly programLauncher: readonly string[];
  /** Handles what is in {@linkcode folder}. */
  readonly access: FolderAccess;
  readonly limits: RunnerLimits;
  /** A line from the computation's own code for the node's log: `dispynode_logger` in Python. */
  log(level: "debug" | "info" | "warning" | "error", text: string): void;
}

/** A job as its runner sees it. */
export interface JobTask {
  readonly uid: number;
  /** Pickle of the arguments (a tuple), as the client made it. A payload, not for logs. */
  readonly args: Uint8Array;
  /** Pickle of the keyword arguments (a dict), as the client made it. A payload, not for logs. */
  readonly kwargs: Uint8Array;
  /** Source text that goes with this job alone, executed after the computation's; often "". */
  readonly code: string;
  /** Variables that the job's processes must have besides those of the computation. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A file that a job sends to its client. */
export interface FileToSend {
  /** The path as the job has given it, under which the client keeps the file. */
  readonly name: string;
  /** Absolute path of the file: the job may have changed its working directory. */
  readonly path: string;
  readonly relay: boolean;
  /** Milliseconds without any progress after which it has failed; `null` = the node's own limit. */
  readonly timeoutMs: number | null;
}

/** What a job has to say to its client before it has ended. */
export interface ProvisionalResult {
  /** Pickle of the value. A payload, not for logs. */
  readonly result: Uint8Array;
  /** Whether it goes by way of the scheduler, not straight to the client. */
  readonly relay: boolean;
  /** Milliseconds after which it has failed; `null` = the node's own limit. */
  readonly timeoutMs: number | null;
}

/** What a job may ask of the node while it runs. Neither ever throws. */
export interface JobHost {
  /** `dispy_provisional_result`: tells whether the client has it. */
  provisionalResult(result: ProvisionalResult): Promise<boolean>;
  /** `dispy_send_file`: tells whether the client has it. */
  sendFile(file: FileToSend): Promise<boolean>;
}

/** What became of a job. */
export interface JobEnd {
  /**
   * `Finished` where the function returned, also after it was told to end, or where the program
   * exited by itself, whatever its exit code.
   */
  readonly status: typeof JobStatus.Finished | typeof JobStatus.Terminated;
  /** Pickle of the return value or exit code; pickle of `None` where there is none. */
  readonly result: Uint8Array;
  /** `string` of functions, bytes of programs, `null` where it is lost. A payload. */
  readonly stdout: string | Uint8Array | null;
  /** As {@linkcode stdout}. */
  readonly stderr: string | Uint8Array | null;
  /**
   * The traceback of what the function threw, or what went wrong with the job; `null` where nothing
   * did, and where it has ended because it was told to.
   */
  readonly exception: string | null;
}

/** A job that has been started. */
export interface RunningJob {
  /**
   * Settles once, when the job's main process is gone: never rejects, whatever happens to the job,
   * its process, or the runner itself; then the status is `Terminated`, and `exception` says why.
   */
  readonly ended: Promise<JobEnd>;
  /**
   * Finds the job's main process, which leads a process group of its own; `null` where it is not
   * there yet, or no longer.
   */
  findPid(): Promise<number | null>;
  /**
   * Ends the job and all of its processes, softly at first (see `endProcesses`): a job that hears
   * of it may still return what it has, else {@linkcode ended} tells `Terminated`. Harmless when
   * repeated, and after the job's end.
   */
  terminate(): void;
}

/** How a setup went. */
export type SetupOutcome =
  | { readonly kind: "ready" }
  /** The scheduler is told `reason`: one line, or a traceback. */
  | { readonly kind: "failed"; readonly reason: string };

/** Runs the jobs of one computation. See the module's description. */
export interface ComputationRunner {
  /**
   * Calls the computation's setup function, if it has one, and keeps what it leaves behind for the
   * jobs. As with dispynode, a setup that raises, or returns anything but 0, 1 or 2, has failed.
   *
   * Has no time limit of its own; {@linkcode close} ends it.
   *
   * @param setupArgs Pickle of a tuple. A payload, not for logs.
   */
  setup(setupArgs: Uint8Array): Promise<SetupOutcome>;
  /** Starts a job. Never throws: what goes wrong is told by {@linkcode RunningJob.ended}. */
  start(job: JobTask, host: JobHost): RunningJob;
  /**
   * Calls the computation's cleanup function, if it has one, with the setup arguments. What goes
   * wrong in it is logged by {@linkcode ComputationTask.log}; nobody waits for it.
   *
   * Has no time limit of its own; {@linkcode close} ends it.
   */
  cleanup(): Promise<void>;
  /** Ends everything that is left, jobs too, and resolves when it is gone. Never rejects. */
  close(): Promise<void>;
}

/** What a computation is made of, as far as it says which language it needs. */
export interface ComputationCode {
  readonly type: "function" | "program";
  /** As the scheduler sent it. */
  readonly name: string;
  /** See {@linkcode ComputationTask.code}. */
  readonly code: string;
}

/** Runs computations of one kind. */
export interface JobLanguage {
  /** Names it in the log and in errors: "Python 3.11.4". */
  readonly name: string;
  /** What the node's platform text gets at its end, for clients to choose by; "" for nothing. */
  readonly platformMark: string;
  /** Whether a computation is of this kind; the first language that says so gets it. */
  accepts(code: ComputationCode): boolean;
  /**
   * Takes a computation. Checks its code without running any of it.
   *
   * @throws {RunnerError} where it cannot be run here; the scheduler is told why
   */
  open(task: ComputationTask): Promise<ComputationRunner>;
}

/** A computation cannot be run here; the message says why in one line, without any of its code. */
export class RunnerError extends Error {
  override readonly name = "RunnerError";
}
