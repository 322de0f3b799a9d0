/**
 * A process of a scenario: everything it prints is kept, line by line, for the test to wait on and
 * for the report when the scenario fails.
 *
 * @module
 */

import { TextLineStream } from "./lines.ts";

/** How a process ended. */
export interface Exit {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** What a {@linkcode LabProcess} is started with. */
export interface ProcessOptions {
  /** How the report calls it: `scheduler`, `node 127.0.0.2`, `client a`. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env?: Record<string, string>;
}

const REPORTED_LINES = 25;

/** A running or ended process in a session of its own, so that its children end with it. */
export class LabProcess {
  readonly name: string;
  /** Its working directory; a scheduler keeps its files there. */
  readonly cwd: string;
  readonly #argv: readonly string[];
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  readonly #lines: string[] = [];
  #watchers = new Set<() => void>();
  #exit: Exit | undefined;
  #stopped = false;
  readonly #waiting = new Set<string>();

  constructor(options: ProcessOptions) {
    this.name = options.name;
    this.cwd = options.cwd;
    this.#argv = options.argv;
    const [program = "", ...args] = options.argv;
    this.#child = new Deno.Command(program, {
      args,
      cwd: options.cwd,
      env: {
        PYTHONUNBUFFERED: "1",
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONUTF8: "1",
        ...options.env,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdin.closed.catch(() => {}); // The process may end before its input does.
    this.#read = Promise.all([this.#keep(this.#child.stdout), this.#keep(this.#child.stderr)])
      .then(() => {});
    this.#child.status.then(({ code, signal }) => {
      this.#exit = { code, signal };
      this.#wake();
    });
  }

  /** Its process id, which is also that of its process group. */
  get pid(): number {
    return this.#child.pid;
  }

  /** How it ended, while it runs undefined. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Whether it ended badly without having been killed by the test. */
  get failed(): boolean {
    return this.#exit !== undefined && this.#exit.code !== 0 && !this.#stopped;
  }

  /** What it printed so far on stdout and stderr, in the order in which it arrived. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Sends a line to its standard input. */
  async send(line: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Sends a signal to it and its children. */
  kill(signal: Deno.Signal): void {
    if (signal === "SIGKILL") this.#stopped = true;
    try {
      Deno.kill(-this.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Sends a signal to the process alone, as a service manager does. */
  signal(signal: Deno.Signal): void {
    Deno.kill(this.pid, signal);
  }

  /** Waits until it has ended and all of its output has arrived. */
  async ended(): Promise<Exit> {
    this.#waiting.add("it ends");
    const { code, signal } = await this.#child.status;
    await this.#read;
    this.#waiting.delete("it ends");
    return { code, signal };
  }

  /** What the scenario waits for it to do. */
  get waitingFor(): string[] {
    return [...this.#waiting].map((what) => `${what} (${this.name})`);
  }

  /** Calls `check` now and after each line or the end of the process, until it returns a value. */
  async until<T>(what: string, check: () => T | undefined): Promise<T> {
    this.#waiting.add(what);
    try {
      while (true) {
        const exit = this.#exit;
        if (exit) await this.#read;
        const found = check();
        if (found !== undefined) return found;
        if (exit) throw new Error(`${this.name} ended (${describe(exit)}) before ${what}`);
        await new Promise<void>((resolve) => this.#watchers.add(resolve));
      }
    } finally {
      this.#waiting.delete(what);
    }
  }

  /** Kills it with its children and waits for the end of its output. */
  async stop(): Promise<void> {
    if (!this.#exit) this.#stopped = true;
    this.kill("SIGKILL");
    await this.#stdin.close().catch(() => {});
    await this.ended();
  }

  /** For the report of a failed scenario: how it is, and the last it said. */
  report(): string {
    const state = this.#exit && !this.#stopped
      ? `ended, ${describe(this.#exit)}`
      : this.#exit
      ? "stopped by the test"
      : "still running";
    const last = this.#lines.slice(-REPORTED_LINES).map((line) => `    ${line.slice(0, 400)}`);
    return [`  ${this.name}: ${state}`, `    $ ${this.#argv.join(" ")}`, ...last].join("\n");
  }

  async #keep(stream: ReadableStream<Uint8Array>): Promise<void> {
    const lines = stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) {
      this.#lines.push(line);
      this.#wake();
    }
  }

  #wake(): void {
    const watchers = this.#watchers;
    this.#watchers = new Set();
    for (const resolve of watchers) resolve();
  }
}

/** An exit in words. */
export function describe(exit: Exit): string {
  return exit.signal ? `signal ${exit.signal}` : `exit code ${exit.code}`;
}
