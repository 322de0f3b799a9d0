/**
 * The processes that a script starts, and their certain end.
 *
 * Each child leads a session of its own, so that whatever it starts in turn (a namespace, a Python
 * process) can be stopped with it, also when the script itself is interrupted.
 *
 * @module
 */

/** How long a child may take to end politely before it is killed. */
const GRACE_MS = 3_000;

/** How long an interrupted script may take to clean up once its children are asked to end. */
const UNWIND_MS = 10_000;

/** Signals that end a script, and their numbers. Windows knows the first only. */
const END_SIGNALS: [Deno.Signal, number][] = Deno.build.os === "windows"
  ? [["SIGINT", 2]]
  : [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]];

/** What a child is started with; standard input is empty unless said otherwise. */
export type ChildOptions = Omit<Deno.CommandOptions, "detached" | "signal">;

/** Processes that are stopped, with all that they started, no later than the script ends. */
export class Children implements AsyncDisposable {
  #running = new Set<Deno.ChildProcess>();
  readonly #stops = new Set<() => Promise<void>>();
  #stopping = false;

  /**
   * Starts `command` (a path, or a name to be found on PATH).
   *
   * @throws {Deno.errors.NotFound} if there is no such command
   * @throws {Deno.errors.Interrupted} if everything is being stopped
   */
  spawn(command: string | URL, options: ChildOptions = {}): Deno.ChildProcess {
    this.checkStopped();
    const detached = Deno.build.os !== "windows";
    const child = new Deno.Command(command, { stdin: "null", ...options, detached }).spawn();
    this.#running.add(child);
    child.status.then(() => this.#running.delete(child));
    return child;
  }

  /** Asks `child` and all that it started to end; kills what is still there after 3 seconds. */
  async stop(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
    signalGroup(child, "SIGTERM");
    const timer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
    const status = await child.status;
    clearTimeout(timer);
    // What the child left behind in its session outlives it, so it gets no grace of its own.
    signalGroup(child, "SIGKILL");
    return status;
  }

  /**
   * Has `stop` called, once, no later than the script ends: for what somebody else started.
   *
   * @returns `stop`, to be called when its time has come earlier
   */
  onStop(stop: () => Promise<void>): () => Promise<void> {
    const once = async () => {
      if (this.#stops.delete(once)) await stop();
    };
    this.#stops.add(once);
    return once;
  }

  /** Whether everything is being stopped: what fails from now on does so for that reason. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** @throws {Deno.errors.Interrupted} if everything is being stopped */
  checkStopped(): void {
    if (this.#stopping) throw new Deno.errors.Interrupted("the script is ending");
  }

  /** Stops everything that still runs; nothing can be started any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    await Promise.all([
      ...[...this.#running].map((child) => this.stop(child)),
      ...[...this.#stops].map((stop) => stop()),
    ]);
  }
}

/**
 * Runs `body` with a set of children that ends with it, whatever happens. On Ctrl-C or a request to
 * end, the children are stopped, which fails `body`; when it has cleaned up, the script exits with
 * the code that shells use for that signal, after 10 seconds whatever `body` does.
 */
export async function withChildren(body: (children: Children) => Promise<void>): Promise<void> {
  let exitCode: number | null = null;
  const children = new Children();
  const handlers = END_SIGNALS.map(([signal, number]) => {
    const handler = () => {
      // A signal to the whole process group arrives once more, forwarded by `deno task`.
      if (exitCode !== null) return;
      const code = exitCode = 128 + number;
      setTimeout(() => Deno.exit(code), UNWIND_MS);
      children[Symbol.asyncDispose]();
    };
    Deno.addSignalListener(signal, handler);
    return () => Deno.removeSignalListener(signal, handler);
  });
  try {
    await body(children);
  } catch (error) {
    if (exitCode === null) throw error;
  } finally {
    await children[Symbol.asyncDispose]();
    for (const remove of handlers) remove();
    if (exitCode !== null) Deno.exit(exitCode);
  }
}

function signalGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    // A negative number names the child's whole process group.
    Deno.kill(Deno.build.os === "windows" ? child.pid : -child.pid, signal);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound || error instanceof TypeError ||
      (error as { code?: string }).code === "ESRCH";
    if (!gone) throw error;
  }
}
