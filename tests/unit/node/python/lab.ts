/** A computation of Python functions without a node around it. */

import { OWN_ACCESS } from "../../../../src/node/folder_access.ts";
import { dumps, loads, PyDict, PyTuple, type PyValue } from "../../../../src/pickle/mod.ts";
import { PythonLanguage } from "../../../../src/node/python/language.ts";
import type {
  ComputationRunner,
  ComputationTask,
  FileToSend,
  JobEnd,
  ProvisionalResult,
  RunningJob,
} from "../../../../src/node/runner.ts";

/** Whether tests that need Python can run; where CI is set, they fail without it. */
export const NO_PYTHON = Deno.env.get("CI") !== "true" && !await runs("python3");

/** Whether a command is a Python. */
export async function runs(command: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args: ["-c", "pass"] }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What a test can say of its computation; the rest is as usual. */
export interface LabOptions extends Partial<Omit<ComputationTask, "folder" | "log">> {
  readonly python?: string;
  readonly terminateGraceMs?: number;
  readonly setupArgs?: readonly PyValue[];
  /** Other users may enter the folder. */
  readonly isOpenToAll?: boolean;
}

/** What a test can say of a job. */
export interface LabJob {
  readonly kwargs?: Readonly<Record<string, PyValue>>;
  readonly code?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A computation, its folder, and all that its jobs have said. */
export class Lab {
  readonly provisional: PyValue[] = [];
  readonly requests: ProvisionalResult[] = [];
  readonly files: FileToSend[] = [];
  /** What the client tells of provisional results and files. */
  clientHasIt = true;
  /** Is called for each provisional result. */
  onProvisional: (value: PyValue) => void = () => {};
  #uid = 0;

  private constructor(
    readonly folder: string,
    readonly runner: ComputationRunner,
    /** Lines for the node's log. */
    readonly logged: readonly string[],
  ) {}

  static async open(code: string, options: LabOptions = {}): Promise<Lab> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "dispy-python-" }));
    const { python, terminateGraceMs, setupArgs: _, isOpenToAll, ...more } = options;
    if (isOpenToAll) await Deno.chmod(folder, 0o755);
    const logged: string[] = [];
    try {
      const runner = await new PythonLanguage(python, terminateGraceMs).open({
        computeId: 1,
        name: "compute",
        code,
        setup: null,
        cleanup: null,
        scratchFolder: folder,
        launcher: [],
        programLauncher: [],
        access: OWN_ACCESS,
        nodeName: "node7",
        nodeIpAddr: "10.0.0.7",
        environment: {},
        limits: { memoryBytes: null, outputBytes: 1_000_000 },
        ...more,
        folder,
        log: (level, text) => logged.push(`${level}: ${text}`),
      });
      return new Lab(folder, runner, logged);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** Runs the setup; @returns why it has failed, or `null`. */
  async setup(args: readonly PyValue[] = []): Promise<string | null> {
    const outcome = await this.runner.setup(dumps(new PyTuple([...args])));
    return outcome.kind === "ready" ? null : outcome.reason;
  }

  start(args: readonly PyValue[] = [], job: LabJob = {}): RunningJob {
    return this.runner.start({
      uid: ++this.#uid,
      args: dumps(new PyTuple([...args])),
      kwargs: dumps(PyDict.from({ ...job.kwargs })),
      code: job.code ?? "",
      environment: job.environment ?? {},
    }, {
      provisionalResult: (request) => {
        this.requests.push(request);
        this.provisional.push(loads(request.result));
        this.onProvisional(loads(request.result));
        return Promise.resolve(this.clientHasIt);
      },
      sendFile: (file) => {
        this.files.push(file);
        return Promise.resolve(this.clientHasIt);
      },
    });
  }

  /** Runs a job to its end. */
  run(args: readonly PyValue[] = [], job: LabJob = {}): Promise<JobEnd> {
    return this.start(args, job).ended;
  }

  async close(): Promise<void> {
    await this.runner.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Runs `check` in a computation that is ready for jobs, and ends it. */
export async function withLab(
  code: string,
  check: (lab: Lab) => Promise<void>,
  options: LabOptions = {},
): Promise<void> {
  const lab = await Lab.open(code, options);
  try {
    const failure = await lab.setup(options.setupArgs);
    if (failure !== null) throw new Error(`setup: ${failure}`);
    await check(lab);
  } finally {
    await lab.close();
  }
}
