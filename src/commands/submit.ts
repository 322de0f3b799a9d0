/**
 * `dispyscheduler submit`: runs command lines on the nodes of a scheduler.
 *
 * Each line is a job of a cluster whose computation is a small program, `run_line.sh`, with the
 * line as its argument. dispynode runs no program that it was not sent, whatever stands at its
 * path; nodes need `/bin/sh`, and neither Python nor anything of ours.
 *
 * @module
 */

import { delay } from "@std/async/delay.js";
import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import {
  inputFiles,
  isStandardInput,
  submitCommand,
  type SubmitConfig,
} from "../cli/submit_options.ts";
import {
  DispyError,
  type Job,
  type JobEvent,
  type PlacedFile,
  program,
  SchedulerUnreachableError,
  SharedJobCluster,
  type WaitReason,
  WrongSecretError,
} from "../client/mod.ts";
import { messageOf } from "../log/error_message.ts";
import { ignoreStraySignals, isOffTerminal, onAskedToEnd } from "./asked_to_end.ts";
import { CommandError } from "./command_error.ts";
import { print, runCommand } from "./run_command.ts";
import { lineProgram } from "./submit/line_program.ts";
import { countLines, type Line, openLines } from "./submit/lines.ts";
import { EXIT_CODES } from "./submit/outcome.ts";
import { OutputQueue } from "./submit/output_queue.ts";
import { Report } from "./submit/report.ts";
import { folderOf, sharedPlace } from "./submit/place.ts";
import { Runner } from "./submit/runner.ts";

type LineCluster = SharedJobCluster<readonly (string | number | bigint | boolean)[], number>;

const PROGRESS_MS = 200;

/** Standard input that brings nothing for so long is worth a word. */
const NO_INPUT_MS = 5_000;

/** A cluster without nodes for so long is worth a word. */
const NO_NODES_MS = 5_000;

/** Reasons to wait that pass by themselves, or that are told anyway. */
const PASSING: ReadonlySet<string> = new Set(["busy", "setting_up", "cpu_limit", "no_node"]);

/** After Ctrl-C, how long jobs may take to end. */
const FAREWELL_MS = 8_000;

/** How long the last words of a run that is interrupted, or fails, may take to be read. */
const LAST_WORDS_MS = 1_000;

/** How wide a terminal is that does not tell. */
const USUAL_COLUMNS = 80;

async function run(config: SubmitConfig): Promise<number> {
  // Before there is a cluster: what cannot be opened is to leave nothing behind.
  const lines = await openLines(config);
  if (config.dryRun) {
    for await (const { command } of lines) print(`${command}\n`);
    return 0;
  }
  const folder = await scratchFolder();
  try {
    const path = `${folder}/${config.name}`;
    const program = lineProgram(config.depends.map((file) => sharedPlace(file)));
    await Deno.writeTextFile(path, program, { mode: 0o755 });
    // Whatever mask the user has: nodes take over the file's mode.
    if (Deno.build.os !== "windows") await Deno.chmod(path, 0o755);
    return await new Submission(config, path, lines, () => leave(folder)).run();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Ends the program at once, with nothing left behind. */
function leave(folder: string): never {
  try {
    Deno.removeSync(folder, { recursive: true });
  } finally {
    Deno.exit(EXIT_CODES.cancelled);
  }
}

async function scratchFolder(): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: "dispyscheduler-submit-" });
  } catch (error) {
    const why = error instanceof Deno.errors.NotCapable
      ? "Deno was not allowed to; start it with --allow-read --allow-write"
      : messageOf(error);
    throw new CommandError(`cannot make a temporary folder: ${why}`, { cause: error });
  }
}

/** One run of the command. */
class Submission {
  readonly #output = new OutputQueue((error) => this.#end.abort(error));
  readonly #report: Report;
  readonly #startedMs = performance.now();
  /** Aborted when everything is to end: by the user, or because of an error. */
  readonly #end = new AbortController();
  #runner: Runner | undefined;
  #interrupted = false;
  #isComplete = false;

  /**
   * @param path The program that runs lines.
   * @param lines What is to be run.
   * @param leave Ends the program at once.
   */
  constructor(
    private readonly config: SubmitConfig,
    private readonly path: string,
    private readonly lines: AsyncIterable<Line>,
    private readonly leave: () => never,
  ) {
    const showsBar = config.showProgress && Deno.stderr.isTerminal();
    this.#report = new Report({
      stdout: this.#output.output(Deno.stdout),
      stderr: this.#output.output(Deno.stderr),
      json: config.json,
      keepOrder: config.keepOrder,
      columns: showsBar ? terminalColumns : null,
    });
  }

  /** Runs all command lines; tells the exit code. */
  async run(): Promise<number> {
    try {
      return await this.#run();
    } finally {
      // Who has asked for the end, or has an error to read, may not read all that comes before it.
      await Promise.race([this.#output.flush(), delay(LAST_WORDS_MS)]);
    }
  }

  async #run(): Promise<number> {
    this.#listenForSignals();
    let cluster: LineCluster;
    try {
      cluster = await this.#open();
    } catch (error) {
      if (this.#interrupted) return EXIT_CODES.cancelled;
      throw this.#explained(error);
    }
    const runner = this.#runner = new Runner(cluster, {
      ...this.config,
      onResult: (result) => this.#guard(() => this.#report.add(result)),
      room: () => this.#output.room(),
    });
    const timers = [
      setInterval(() => this.#guard(() => this.#showProgress(runner)), PROGRESS_MS),
      setTimeout(() => this.#tellOfNoNodes(cluster), NO_NODES_MS),
    ];
    const closed = this.#closeAtEnd(cluster, runner);
    closed.catch(() => {}); // told below, once all lines are over
    try {
      await runner.run(this.#lines());
      if (!this.#end.signal.aborted) await cluster.close();
      else await closed;
    } catch (error) {
      // No way out leaves the cluster behind.
      this.#end.abort(error);
      await closed.catch(() => {});
      throw this.#explained(error);
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
    return await this.#outcome(runner);
  }

  /** At the one of the scheduler's ports that there is. */
  async #open(): Promise<LineCluster> {
    const { connection, nodes, depends, name, clientHost, clientPort } = this.config;
    const { host, ports, secret, tls, timeoutMs } = connection;
    const at = (schedulerPort: number) =>
      SharedJobCluster.open({
        computation: program(this.path, { depends: depends.map(placedFile), name }),
        scheduler: host,
        schedulerPort,
        clusterSecret: secret,
        tls: tls ?? undefined,
        nodes: nodes.length === 0 ? undefined : nodes,
        host: clientHost ?? undefined,
        port: clientPort ?? undefined,
        timeoutMs,
        signal: this.#end.signal,
        onJob: (job, event) => this.#onJob(job, event),
        onConnection: (event) =>
          this.#note(
            event.kind === "lost"
              ? `the scheduler is out of reach (${messageOf(event.error)}); trying again`
              : "the scheduler is back",
          ),
        onWaiting: ({ reasons }) => this.#tellWhyItWaits(reasons),
      });
    const [first, ...others] = ports;
    try {
      return await at(first!);
    } catch (error) {
      const [second] = others;
      if (second === undefined || !(error instanceof SchedulerUnreachableError)) throw error;
      try {
        return await at(second);
      } catch (next) {
        // The usual port is the one to speak of.
        throw next instanceof SchedulerUnreachableError ? error : next;
      }
    }
  }

  /** Why there is no cluster, in the words of this command. */
  #explained(error: unknown): unknown {
    if (!(error instanceof DispyError)) return error;
    const { host } = this.config.connection;
    const message = error instanceof WrongSecretError
      ? `the scheduler at ${host} refuses us: its cluster secret is another one ` +
        "(--cluster_secret_file)"
      : error.message;
    return new CommandError(message, { cause: error });
  }

  #onJob(job: Job<number>, event: JobEvent): void {
    if (event === "Running") this.#runner?.onRunning(job);
  }

  async *#lines() {
    const timer = setTimeout(() => this.#tellOfNoInput(), NO_INPUT_MS);
    let count = 0;
    try {
      for await (const line of this.lines) {
        clearTimeout(timer);
        count++;
        yield line;
      }
    } finally {
      clearTimeout(timer);
    }
    this.#isComplete = true;
    if (count === 0) this.#note(`there were no inputs: nothing was run${this.#onceAdvice}`);
  }

  #tellOfNoInput(): void {
    if (!this.#readsStandardInput) return;
    this.#note(`waiting for inputs from standard input, one a line${this.#onceAdvice}`);
  }

  /** How to run the command without the inputs that standard input is taken for. */
  get #onceAdvice(): string {
    const { command } = this.config;
    const isUnasked = this.#readsStandardInput && command !== null;
    return isUnasked ? " (--once runs the command once, without them)" : "";
  }

  get #readsStandardInput(): boolean {
    return inputFiles(this.config.source).some(isStandardInput);
  }

  /** Once everything is to end: has jobs cancelled, and the cluster closed. */
  #closeAtEnd(cluster: LineCluster, runner: Runner): Promise<void> {
    return new Promise((resolve, reject) => {
      const close = () => {
        runner.stop();
        const late = setTimeout(resolve, FAREWELL_MS);
        cluster.close({ terminate: true }).then(resolve, reject).finally(() => clearTimeout(late));
      };
      if (this.#end.signal.aborted) close();
      else this.#end.signal.addEventListener("abort", close);
    });
  }

  #listenForSignals(): void {
    const isUnattended = isOffTerminal();
    ignoreStraySignals(isUnattended);
    onAskedToEnd(isUnattended, () => {
      if (this.#interrupted) this.leave();
      this.#interrupted = true;
      this.#note("cancelling all command lines; once more to leave at once");
      this.#end.abort();
    });
  }

  /** Does what may fail in a place where nobody would hear of it; then everything ends. */
  #guard(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#end.abort(error);
    }
  }

  #note(text: string): void {
    this.#guard(() => this.#report.note(text));
  }

  #showProgress(runner: Runner): void {
    const { done, failed, running, taken } = runner;
    const total = this.#isComplete ? taken : countLines(this.config);
    this.#report.progress({ done, failed, running, total, elapsedMs: this.#elapsedMs });
  }

  #tellOfNoNodes(cluster: LineCluster): void {
    if (cluster.nodes.size > 0 || cluster.pendingJobs === 0) return;
    this.#note("the scheduler has no node for us yet; waiting (dispyscheduler nodes)");
  }

  #tellWhyItWaits(reasons: readonly WaitReason[]): void {
    for (const { kind, text } of reasons) if (!PASSING.has(kind)) this.#note(`waiting: ${text}`);
  }

  async #outcome(runner: Runner): Promise<number> {
    const { signal } = this.#end;
    // An error in what nobody waited for; where it is the reader who has gone, there is no summary.
    if (signal.aborted && !this.#interrupted) throw signal.reason;
    this.#report.finish(this.#elapsedMs);
    if (this.#interrupted) return EXIT_CODES.cancelled;
    if (runner.refusal !== null) {
      this.#report.note(`no more lines were submitted: ${runner.refusal}`);
    }
    await this.#output.flush();
    signal.throwIfAborted();
    return this.#report.worst;
  }

  get #elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }
}

/** A file that all lines share, at its place. */
function placedFile(file: string): PlacedFile {
  return { file, folder: folderOf(sharedPlace(file)) };
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return USUAL_COLUMNS; // standard output and input are no terminals, and only those are asked
  }
}

/**
 * Runs the command.
 *
 * @param args The arguments behind its name.
 * @returns The exit code.
 */
export function runSubmit(args: readonly string[]): Promise<number> {
  return runCommand(args, submitCommand(SYSTEM_ENVIRONMENT), run, EXIT_CODES.lost);
}
