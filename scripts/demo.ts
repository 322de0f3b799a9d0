/**
 * Shows the scheduler at work: two nodes, shared by two programs at once, with nothing but Deno.
 *
 * Everything runs on this machine's loopback, at ports that are free. What is left behind is a
 * picture.
 *
 *     deno task demo
 *
 * @module
 */

import { TextLineStream } from "../tests/interop/harness/lines.ts";
import { type Children, withChildren } from "./children.ts";
import { cacheModules, ROOT } from "./config.ts";
import { Board, ClientProgress } from "./demo/board.ts";
import type { Told } from "./demo/client.ts";

const SCHEDULER = "127.0.0.1";
const PICTURE = "demo-picture.png";
const JOBS = 36;
const START_LIMIT_MS = 30_000;
const RUN_LIMIT_MS = 180_000;
const KEPT_LINES = 15;

/** macOS has but one loopback address, and nodes are known by their addresses. */
const NODES = Deno.build.os === "darwin" ? [SCHEDULER] : ["127.0.0.2", "127.0.0.3"];

/** As many as the machine really has, else the speed-up would be a lie. */
const NODE_CPUS = Math.max(1, Math.floor(navigator.hardwareConcurrency / NODES.length));

/** A mistake of the machine or of a program: shown as it is, without a stack. */
class DemoError extends Error {}

class Demo {
  readonly #children: Children;
  readonly #scratch: string;
  /** The last lines of each process, for when something goes wrong. */
  readonly #said = new Map<string, string[]>();

  constructor(children: Children, scratch: string) {
    this.#children = children;
    this.#scratch = scratch;
  }

  /** Starts a program of this project; `read` gets each line it prints. */
  start(
    name: string,
    program: string,
    args: readonly string[],
    read: (line: string) => void = () => {},
  ): Deno.ChildProcess {
    const child = this.#children.spawn(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-prompt", new URL(program, ROOT).href, ...args],
      cwd: this.#scratch,
      env: { NO_COLOR: "1" },
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
    // The scheduler and the nodes log there.
    keep(child.stderr, read);
    return child;
  }

  /** Starts a program, and waits until it prints a line with `words`. */
  async ready(name: string, args: readonly string[], words: string): Promise<void> {
    let late: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve, reject) => {
      const child = this.start(name, "main.ts", args, (line) => line.includes(words) && resolve());
      child.status.then(() => reject(new DemoError(`the ${name} has ended`)));
      const message = `the ${name} does not start`;
      late = setTimeout(() => reject(new DemoError(message)), START_LIMIT_MS);
    });
    clearTimeout(late);
  }

  /** What every process said last. */
  report(): string {
    return [...this.#said].map(([name, lines]) =>
      [`${name}:`, ...lines.map((line) => `    ${line}`)].join("\n")
    ).join("\n");
  }
}

/** The lowest of three ports in a row that are free at every address that the demo uses. */
function freePorts(): number {
  for (let tries = 0; tries < 100; tries++) {
    const first = 20_000 + Math.trunc(Math.random() * 30_000);
    try {
      for (const hostname of [SCHEDULER, ...NODES]) {
        for (const port of [first, first + 1, first + 2]) Deno.listen({ hostname, port }).close();
      }
      return first;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new DemoError("no three ports in a row are free on this machine");
}

async function run(demo: Demo, scratch: string): Promise<void> {
  const port = freePorts();
  const common = ["-p", String(port), "--dest_path_prefix"];
  // Fair: the programs take turns, where otherwise the jobs submitted first run first.
  const options = ["--daemon", "--fair_cluster_scheduler", "-i", SCHEDULER, ...common];
  await demo.ready("scheduler", [...options, `${scratch}/scheduler`], "listening");
  await Promise.all(NODES.map((node) =>
    demo.ready(`node ${node}`, [
      ...["node", "-i", node, "-c", String(NODE_CPUS), "--scheduler_host", SCHEDULER],
      ...[...common, `${scratch}/node-${node}`],
    ], "listening")
  ));
  console.log(
    `scheduler at ${SCHEDULER}, nodes at ${NODES.join(" and ")}, CPUs: ${NODE_CPUS} each`,
  );

  const clients = ["picture", "epidemic"].map((name) => new ClientProgress(name, JOBS));
  const board = new Board(clients, NODES);
  let fairness: string | undefined;
  board.update(`two programs start, with ${JOBS} jobs each`);
  await Promise.all(clients.map(async (client) => {
    const args = [String(port + 2), String(JOBS), `${Deno.cwd()}/${PICTURE}`];
    const child = demo.start(client.name, `scripts/demo/${client.name}.ts`, args, (line) => {
      if (!line.startsWith("{")) return;
      board.update(client.read(JSON.parse(line) as Told));
      if (clients.some(({ part }) => part >= 0.5)) fairness ??= fairnessOf(clients);
    });
    const { success } = await child.status;
    client.tookSeconds = board.seconds();
    if (!success) throw new DemoError(`the program ${client.name} failed`);
    if (client.done !== JOBS) throw new DemoError(`${client.name}: ${client.done} jobs of ${JOBS}`);
  }));

  for (const client of clients) console.log(`\n${client.output.join("\n")}`);
  console.log(`\n${board.summary()}\n${fairness}`);
}

/** How far each program was at this moment. */
function fairnessOf(clients: readonly ClientProgress[]): string {
  const done = clients.map(({ name, done }) => `${name} ${done}`);
  return `fair turns: when the first was half through, jobs done: ${done.join(", ")}`;
}

await withChildren(async (children) => {
  await cacheModules(children, ["main.ts", "scripts/demo/picture.ts", "scripts/demo/epidemic.ts"]);
  const scratch = await Deno.makeTempDir({ prefix: "dispyscheduler-demo-" });
  const demo = new Demo(children, scratch);
  const limit = setTimeout(() => {
    console.error(`The demo takes too long. What its programs said last:\n${demo.report()}`);
    Deno.exitCode = 1;
    children[Symbol.asyncDispose]();
  }, RUN_LIMIT_MS);
  try {
    await run(demo, scratch);
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
