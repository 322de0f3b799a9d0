/**
 * Shows the scheduler at work: two nodes of the real dispy, shared by two Python programs at once.
 *
 * Everything runs on this machine, in a private network where the system gives one, and nothing is
 * left behind but the Python environment in `.venv/`.
 *
 *     deno task demo
 *
 * @module
 */

import { TextLineStream } from "../tests/interop/harness/lines.ts";
import { Namespace } from "../tests/interop/harness/namespace.ts";
import { type Children, withChildren } from "./children.ts";
import { cacheModules, ROOT, schedulerCommand } from "./config.ts";
import { Board, ClientProgress } from "./demo/board.ts";
import { ensureVenv } from "./venv.ts";

const SCHEDULER = "127.0.0.1";
const CLIENT_PORT = 9702;
const JOBS = 24;
const START_LIMIT_MS = 15_000;
const RUN_LIMIT_MS = 90_000;
const KEPT_LINES = 15;

/** macOS has but one loopback address, and dispy knows a node by its address. */
const NODES = Deno.build.os === "linux" ? ["127.0.0.2", "127.0.0.3"] : ["127.0.0.1"];

/** As many as the machine really has, else the speed-up would be a lie. */
const NODE_CPUS = Math.max(1, Math.floor(navigator.hardwareConcurrency / NODES.length));

/** A mistake of the machine or of a program: shown as it is, without a stack. */
class DemoError extends Error {}

class Demo {
  readonly #children: Children;
  readonly #scratch: string;
  readonly #namespace: Namespace | undefined;
  /** The last lines of each process, for when something goes wrong. */
  readonly #said = new Map<string, string[]>();

  constructor(children: Children, scratch: string, namespace: Namespace | undefined) {
    this.#children = children;
    this.#scratch = scratch;
    this.#namespace = namespace;
  }

  /** Starts a program in a scratch folder of its own; `read` gets each line it prints. */
  async start(
    name: string,
    argv: readonly string[],
    read: (line: string) => void = () => {},
  ): Promise<Deno.ChildProcess> {
    const cwd = `${this.#scratch}/${name.replaceAll(" ", "-")}`;
    await Deno.mkdir(cwd, { recursive: true });
    const [program = "", ...args] = this.#namespace?.command(argv) ?? argv;
    const child = this.#children.spawn(program, {
      args,
      cwd,
      env: { PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1", NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    });
    const said: string[] = [];
    this.#said.set(name, said);
    const keep = async (stream: ReadableStream<Uint8Array>, use: (line: string) => void) => {
      const text = stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
      for await (const line of text) {
        said.push(line);
        if (said.length > KEPT_LINES) said.shift();
        use(line);
      }
    };
    keep(child.stdout, read);
    keep(child.stderr, () => {});
    return child;
  }

  /** Waits until the scheduler takes clients. */
  async schedulerReady(scheduler: Deno.ChildProcess): Promise<void> {
    let ended = false;
    scheduler.status.then(() => ended = true);
    const deadline = performance.now() + START_LIMIT_MS;
    while (!await this.#accepts()) {
      if (ended) throw new DemoError("the scheduler ended at its start");
      if (performance.now() > deadline) throw new DemoError("the scheduler does not start");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What every process said last. */
  report(): string {
    return [...this.#said].map(([name, lines]) =>
      [`${name}:`, ...lines.map((line) => `    ${line}`)].join("\n")
    ).join("\n");
  }

  async #accepts(): Promise<boolean> {
    if (this.#namespace) return await this.#namespace.listens("tcp", CLIENT_PORT, SCHEDULER);
    try {
      using _connection = await Deno.connect({ hostname: SCHEDULER, port: CLIENT_PORT });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }
}

async function run(demo: Demo, python: string, bin: string, scratch: string): Promise<void> {
  // Fair: the programs take turns, where otherwise the jobs submitted first run first.
  const args = ["--daemon", "--fair_cluster_scheduler", "-i", SCHEDULER];
  args.push("--dest_path_prefix", `${scratch}/files`);
  const scheduler = await demo.start("scheduler", await schedulerCommand(args));
  await demo.schedulerReady(scheduler);
  console.log(
    `scheduler at ${SCHEDULER}, nodes at ${NODES.join(" and ")}, CPUs: ${NODE_CPUS} each`,
  );

  for (const node of NODES) {
    await demo.start(`node ${node}`, [
      python,
      ...[`${bin}/dispynode.py`, "--daemon", "--clean", "-i", node, "-c", String(NODE_CPUS)],
      ...["--scheduler_host", SCHEDULER, "--dest_path_prefix", `${scratch}/files-of-${node}`],
    ]);
  }

  const clients = ["pi", "mandelbrot"].map((name) => new ClientProgress(name, JOBS));
  const board = new Board(clients, NODES);
  board.update("two programs start, with 24 jobs each");
  await Promise.all(clients.map(async (client) => {
    const program = new URL(`scripts/demo/${client.name}.py`, ROOT).pathname;
    const child = await demo.start(client.name, [
      python,
      ...[program, "--scheduler", SCHEDULER, "--host", SCHEDULER, "--jobs", String(JOBS)],
    ], (line) => board.update(client.read(line)));
    const { success } = await child.status;
    client.tookSeconds = board.seconds();
    if (!success) throw new DemoError(`the client program ${client.name} failed`);
    if (client.done !== JOBS) throw new DemoError(`${client.name}: ${client.done} jobs of ${JOBS}`);
  }));

  for (const client of clients) console.log(`\n${client.output.join("\n")}`);
  console.log(`\n${board.summary()}`);
}

await withChildren(async (children) => {
  console.log("Looking for Python and the real dispy (the first time, this installs it in .venv/)");
  const venv = await ensureVenv();
  if ("unavailable" in venv) {
    console.error(
      `The demo needs python3 with its venv module (Debian: apt install python3-venv) and PyPI: ` +
        venv.unavailable,
    );
    Deno.exitCode = 1;
    return;
  }
  await cacheModules(children, ["main.ts"]);
  const namespace = await Namespace.open();
  if ("unavailable" in namespace) {
    console.log(`On this machine's loopback: ${namespace.unavailable}`);
  }
  if (namespace instanceof Namespace) children.onStop(() => namespace.close());
  const scratch = await Deno.makeTempDir({ prefix: "dispyscheduler-demo-" });
  const demo = new Demo(children, scratch, namespace instanceof Namespace ? namespace : undefined);
  const limit = setTimeout(() => {
    console.error(`The demo takes too long. What its programs said last:\n${demo.report()}`);
    Deno.exitCode = 1;
    children[Symbol.asyncDispose]();
  }, RUN_LIMIT_MS);
  try {
    await run(demo, venv.python, venv.bin, scratch);
  } catch (error) {
    Deno.exitCode = 1;
    // Interrupted, or out of time and told so: what fails now has no other reason.
    if (children.stopping) return;
    if (!(error instanceof DemoError)) throw error;
    console.error(`${error.message}. What was said last:\n${demo.report()}`);
  } finally {
    clearTimeout(limit);
    await children[Symbol.asyncDispose]();
    await Deno.remove(scratch, { recursive: true });
  }
});
