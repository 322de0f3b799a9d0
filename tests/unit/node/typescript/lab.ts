/** A computation of TypeScript functions without a node around it. */

import { OWN_ACCESS } from "../../../../src/node/folder_access.ts";
import { dumps } from "../../../../src/pickle/mod.ts";
import {
  decodeTypeScriptValue,
  encodeTypeScriptArguments,
  encodeTypeScriptCode,
  encodeTypeScriptSetupArguments,
} from "../../../../src/wire/typescript_jobs.ts";
import { TypeScriptLanguage } from "../../../../src/node/typescript/language.ts";
import { parseJobPermission } from "../../../../src/node/typescript/permissions.ts";
import type {
  ComputationRunner,
  ComputationTask,
  FileToSend,
  JobEnd,
  JobTask,
  RunningJob,
} from "../../../../src/node/runner.ts";

/** What a test can say of its computation; the rest is as usual. */
export interface LabOptions extends Partial<Omit<ComputationTask, "folder" | "log" | "code">> {
  /** As the node's operator writes them. */
  readonly permissions?: readonly string[];
  readonly setupArgs?: readonly unknown[];
}

/** A computation, its folder, and all that its jobs have said. */
export class Lab {
  readonly provisional: unknown[] = [];
  readonly files: FileToSend[] = [];
  /** What the client tells of provisional results and files. */
  clientHasIt = true;
  /** Is called for each provisional result. */
  onProvisional: (value: unknown) => void = () => {};
  #uid = 0;

  private constructor(
    readonly folder: string,
    readonly runner: ComputationRunner,
    /** Lines for the node's log. */
    readonly logged: readonly string[],
  ) {}

  static async open(source: string, { permissions, ...options }: LabOptions = {}): Promise<Lab> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "dispy-typescript-" }));
    const logged: string[] = [];
    const language = await TypeScriptLanguage.find((permissions ?? []).map(parseJobPermission));
    const runner = await language!.open({
      computeId: 1,
      name: "compute",
      code: encodeTypeScriptCode(source),
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
      ...options,
      folder,
      log: (level, text) => logged.push(`${level}: ${text}`),
    });
    return new Lab(folder, runner, logged);
  }

  /** Runs the setup; @returns why it has failed, or `null`. */
  async setup(args: readonly unknown[] = []): Promise<string | null> {
    const outcome = await this.runner.setup(dumps(encodeTypeScriptSetupArguments(args)));
    return outcome.kind === "ready" ? null : outcome.reason;
  }

  start(args: readonly unknown[] = [], job: Partial<JobTask> = {}): RunningJob {
    return this.runner.start({
      uid: ++this.#uid,
      ...encodeTypeScriptArguments(args),
      code: "",
      environment: {},
      ...job,
    }, {
      provisionalResult: ({ result }) => {
        const value = decodeTypeScriptValue(result);
        this.provisional.push(value);
        this.onProvisional(value);
        return Promise.resolve(this.clientHasIt);
      },
      sendFile: (file) => {
        this.files.push(file);
        return Promise.resolve(this.clientHasIt);
      },
    });
  }

  /** Runs a job to its end. */
  run(args: readonly unknown[] = []): Promise<JobEnd> {
    return this.start(args).ended;
  }

  /** Runs a job that is to succeed; @returns its value. */
  async value(...args: readonly unknown[]): Promise<unknown> {
    const { result, exception } = await this.run(args);
    if (exception !== null) throw new Error(exception);
    return decodeTypeScriptValue(result);
  }

  async close(): Promise<void> {
    await this.runner.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Runs `check` in a computation that is ready for jobs, and ends it. */
export async function withLab(
  source: string,
  check: (lab: Lab) => Promise<void>,
  options: LabOptions = {},
): Promise<void> {
  const lab = await Lab.open(source, options);
  try {
    const failure = await lab.setup(options.setupArgs);
    if (failure !== null) throw new Error(`setup: ${failure}`);
    await check(lab);
  } finally {
    await lab.close();
  }
}
