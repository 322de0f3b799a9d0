/**
 * The laboratory of one scenario: a scheduler, real dispy nodes and real dispy clients in a private
 * network, with everything they print, and a sure end for all of them.
 *
 * @module
 */

import type { Venv } from "../../../scripts/venv.ts";
import { Client, type ClientRun } from "./client.ts";
import type { Namespace } from "./namespace.ts";
import { LabProcess } from "./process.ts";
import { hostOption, portOf, type Release } from "./releases.ts";

const ROOT = new URL("../../../", import.meta.url).pathname.replace(/\/$/, "");
const CLIENTS = new URL("../clients/", import.meta.url).pathname;
const ODD_NODE = new URL("../nodes/odd_node.py", import.meta.url).pathname;

/** The permissions our scheduler is run with, unless a scenario says otherwise. */
export const SCHEDULER_PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-sys",
];

/** Which scheduler is put to the test: ours, or dispy's own to check the scenarios themselves. */
export const SCHEDULER: "ours" | "reference" = (() => {
  const wanted = Deno.env.get("DISPY_TEST_SCHEDULER") ?? "ours";
  if (wanted === "ours" || wanted === "reference") return wanted;
  throw new Error(`DISPY_TEST_SCHEDULER is "${wanted}", it can be "ours" or "reference"`);
})();

/** Which program a node is. */
export type NodeKind = "dispynode" | "ours";

/** Which nodes the scenarios run: dispy's own, ours, or one of each after the other. */
export const NODES: NodeKind | "mixed" = (() => {
  const wanted = Deno.env.get("DISPY_TEST_NODE") ?? "dispynode";
  if (wanted === "dispynode" || wanted === "ours" || wanted === "mixed") return wanted;
  throw new Error(`DISPY_TEST_NODE is "${wanted}", it can be "dispynode", "ours" or "mixed"`);
})();

/** CPUs a test node has; dispynode takes no more than the machine has. */
export const NODE_CPUS = Math.min(2, navigator.hardwareConcurrency);

/** dispy's ports: the base is the scheduler's node side, the next two follow. */
export const PORTS = { current: 9700, old: 51347 } as const;

/** How long a process may take to open its ports. */
const START_LIMIT_MS = 90_000;

/** How a scheduler is started. */
export interface SchedulerOptions {
  /** Which program it is, where the scenario is about that; {@linkcode SCHEDULER} otherwise. */
  readonly kind?: typeof SCHEDULER;
  /** The release of a reference; today's when absent. */
  readonly release?: Release;
  /** Options after `--daemon -i 127.0.0.1`, the same for ours and the reference. */
  readonly args?: readonly string[];
  /** Base port; 9700 when absent, which our scheduler and the reference share as the default. */
  readonly port?: number;
  /** Debug messages, on unless a scenario counts the warnings. */
  readonly debug?: boolean;
  /** Where it keeps its state: that of an earlier one, which has ended; a fresh one when absent. */
  readonly folder?: string;
}

/** How a node is started. */
export interface NodeOptions {
  /** Which program it is, where the scenario is about that; {@linkcode NODES} decides otherwise. */
  readonly kind?: NodeKind;
  /** The release of a dispynode; today's when absent. */
  readonly release?: Release;
  readonly cpus?: number;
  readonly args?: readonly string[];
  /** Options that nodes of ours have and dispy's have not: the latter get none. */
  readonly ownArgs?: readonly string[];
  /** Base port the node belongs to; it listens at the next one. */
  readonly port?: number;
  /** Whether it is told where the scheduler is (the default), or must find it by broadcast. */
  readonly knowsScheduler?: boolean;
  /** It takes commands from its standard input. */
  readonly takesCommands?: boolean;
  /** Options of `nodes/odd_node.py`: what is odd about it. */
  readonly odd?: readonly string[];
}

/** How a client program is run. */
export interface ClientOptions {
  /** How the report calls it; the program's name when absent. */
  readonly name?: string;
  /** The release of dispy that it runs with; today's when absent. */
  readonly release?: Release;
  readonly args?: readonly (string | number)[];
  /** Files to find in its working directory at the start. */
  readonly files?: Record<string, string>;
  /** Where it runs; with the others when absent. */
  readonly namespace?: Namespace;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a scenario works in. */
export class Lab {
  readonly #venv: Venv;
  readonly #namespace: Namespace;
  readonly #dir: string;
  readonly #processes: LabProcess[] = [];
  #dirs = 0;
  #waitingFor: string | undefined;
  #over = false;

  constructor(venv: Venv, namespace: Namespace, dir: string) {
    this.#venv = venv;
    this.#namespace = namespace;
    this.#dir = dir;
  }

  /** Everything this scenario has started, in order. */
  get processes(): readonly LabProcess[] {
    return this.#processes;
  }

  /** Says what the scenario is waiting for, for the message when its time is over. */
  get waitingFor(): string | undefined {
    const all = this.#processes.flatMap((process) => process.waitingFor);
    if (this.#waitingFor !== undefined) all.unshift(this.#waitingFor);
    return all.length > 0 ? all.join(" and ") : undefined;
  }

  /** The Python environment with today's dispy. */
  get venv(): Venv {
    return this.#venv;
  }

  /** The private network that everything runs in, unless it is started elsewhere. */
  get namespace(): Namespace {
    return this.#namespace;
  }

  /** The checkout. */
  get root(): string {
    return ROOT;
  }

  /** A fresh folder, removed after the scenario. */
  async folder(name: string): Promise<string> {
    const path = `${this.#dir}/${name}-${++this.#dirs}`;
    await Deno.mkdir(path);
    return path;
  }

  /** The address of the `n`th node: 127.0.0.2 for the first. */
  node(n: number): string {
    return `127.0.0.${n + 1}`;
  }

  /** Starts the scheduler under test at 127.0.0.1 and waits until its ports are open. */
  async startScheduler(options: SchedulerOptions = {}): Promise<LabProcess> {
    const store = options.folder ?? await this.folder("scheduler");
    const args = [
      ...["--daemon", "-i", "127.0.0.1", "--dest_path_prefix", store],
      ...(options.debug ?? true ? ["-d"] : []),
      ...(options.port ? ["-p", String(options.port)] : []),
      ...(options.args ?? []),
    ];
    const isReference = (options.kind ?? SCHEDULER) === "reference";
    const { python, bin } = options.release?.venv ?? this.#venv;
    const argv = isReference
      ? [python, `${bin}/dispyscheduler.py`, ...args]
      : ["deno", "run", ...SCHEDULER_PERMISSIONS, `${ROOT}/main.ts`, ...args];
    const port = options.port ?? (isReference ? portOf(options.release) : PORTS.current);
    return await this.startSchedulerAs(argv, store, port);
  }

  /** Ends the scheduler as a crash does, and starts another where it has kept its state. */
  async restartScheduler(
    scheduler: LabProcess,
    options: SchedulerOptions = {},
  ): Promise<LabProcess> {
    await scheduler.stop();
    return await this.startScheduler({ ...options, folder: scheduler.cwd });
  }

  /** Starts the scheduler by a command line of the scenario's own, in the folder `cwd`. */
  async startSchedulerAs(
    argv: readonly string[],
    cwd: string,
    port: number = PORTS.current,
  ): Promise<LabProcess> {
    const scheduler = this.start("scheduler", argv, cwd);
    await this.ready(
      scheduler,
      `${scheduler.name} listens at ${port} and ${port + 2}`,
      async () =>
        await this.#namespace.listens("tcp", port, "127.0.0.1") &&
        await this.#namespace.listens("tcp", port + 2, "127.0.0.1") &&
        await this.#namespace.listens("udp", port),
    );
    return scheduler;
  }

  /** Starts the `n`th node (from 1) at 127.0.0.(n+1), and waits until it listens. */
  async startNode(n: number, options: NodeOptions = {}): Promise<LabProcess> {
    const address = this.node(n);
    const store = await this.folder(`node-${n}`);
    const isOurs = this.#isOurs(n, options);
    const release = isOurs ? undefined : options.release;
    const port = options.port ?? portOf(release);
    const node = this.start(`node ${address}`, [
      ...this.nodeProgram(isOurs, options),
      ...["-d", "--clean", "-i", address, "--name", `node${n}`],
      ...(options.takesCommands ? [] : ["--daemon"]),
      ...["-c", String(options.cpus ?? NODE_CPUS), "--dest_path_prefix", store],
      ...(options.knowsScheduler ?? true ? [hostOption(release), "127.0.0.1"] : []),
      ...(options.port ? ["-p", String(port)] : []),
      ...(options.args ?? []),
      ...(isOurs ? options.ownArgs ?? [] : []),
    ], store);
    await this.ready(
      node,
      `${node.name} listens at ${port + 1}`,
      () => this.#namespace.listens("tcp", port + 1, address),
    );
    return node;
  }

  /** Whether a node is one of ours. Only dispy's own can be odd or take commands. */
  #isOurs(n: number, { kind, odd, takesCommands }: NodeOptions): boolean {
    if (odd || takesCommands) return false;
    return (kind ?? (NODES === "mixed" ? n % 2 === 0 ? "ours" : "dispynode" : NODES)) === "ours";
  }

  /** The command line of a node up to its options. */
  nodeProgram(isOurs: boolean, { odd, takesCommands, release }: NodeOptions = {}): string[] {
    if (isOurs) return ["deno", "run", "--allow-all", `${ROOT}/main.ts`, "node"];
    const isOdd = odd || takesCommands;
    const { python, bin } = release?.venv ?? this.#venv;
    return [
      python,
      ...(isOdd ? [ODD_NODE, ...odd ?? [], "--"] : [`${bin}/dispynode.py`]),
    ];
  }

  /** Starts nodes 1 to `count` at once. */
  async startNodes(count: number, options: NodeOptions = {}): Promise<LabProcess[]> {
    return await Promise.all(
      Array.from({ length: count }, (_, index) => this.startNode(index + 1, options)),
    );
  }

  /** Starts a program of `tests/interop/clients/` in a working directory of its own. */
  async startClient(program: string, options: ClientOptions = {}): Promise<Client> {
    const cwd = await this.folder("client");
    for (const [path, text] of Object.entries(options.files ?? {})) {
      await Deno.writeTextFile(`${cwd}/${path}`, text);
    }
    const { python } = options.release?.venv ?? this.#venv;
    const argv = [python, `${CLIENTS}${program}`, ...(options.args ?? []).map(String)];
    const name = options.name ?? `client ${program}`;
    return new Client(this.start(name, argv, cwd, options.namespace, options.env));
  }

  /** Runs a client program to its good end. */
  async runClient(program: string, options: ClientOptions = {}): Promise<ClientRun> {
    const client = await this.startClient(program, options);
    return await client.succeeded();
  }

  /** Waits until `check` holds, which is asked again every few milliseconds. */
  async until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    this.#waitingFor = what;
    while (!await check()) {
      this.#checkNotOver();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    this.#waitingFor = undefined;
  }

  /** Waits until something listens at this TCP port, or until nothing does. */
  async untilListening(port: number, address: string, listening = true): Promise<void> {
    await this.until(
      `${listening ? "something" : "nothing"} listens at ${address}:${port}`,
      async () => await this.#namespace.listens("tcp", port, address) === listening,
    );
  }

  /** Stops every process of the scenario, children included; no other can be started. */
  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#processes.map((process) => process.stop()));
  }

  /** Which process failed, and the last each of them said. */
  report(): string {
    const failed = this.#processes.filter((process) => process.failed);
    const blame = failed.length > 0
      ? `failed: ${failed.map((process) => process.name).join(", ")}`
      : "no process had failed";
    return [blame, ...this.#processes.map((process) => process.report())].join("\n");
  }

  #checkNotOver(): void {
    if (this.#over) throw new Error("the scenario is over");
  }

  /** Starts any program, stopped with the scenario; see {@linkcode Lab.ready}. */
  start(
    name: string,
    argv: readonly string[],
    cwd: string,
    namespace: Namespace = this.#namespace,
    env: Readonly<Record<string, string>> = {},
  ): LabProcess {
    this.#checkNotOver();
    const same = this.#processes.filter((process) => process.name.split(" #")[0] === name).length;
    const process = new LabProcess({
      name: same === 0 ? name : `${name} #${same + 1}`,
      argv: namespace.command(argv),
      cwd,
      env: { TMPDIR: this.#dir, XDG_STATE_HOME: this.#dir, ...env },
    });
    this.#processes.push(process);
    return process;
  }

  /** Waits until a process that was just started is of use. */
  async ready(process: LabProcess, what: string, check: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    await this.until(what, async () => {
      if (process.exit) {
        await process.ended();
        throw new Error(`${process.name} ended before ${what}`);
      }
      if (Date.now() > deadline) throw new Error(`${what}: not within ${START_LIMIT_MS / 1000} s`);
      return await check();
    });
  }
}
