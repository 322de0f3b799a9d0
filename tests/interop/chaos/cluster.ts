/**
 * The machines of a chaos run and what is on them: one scheduler, nodes, clients, each at an address
 * of its own. Faults come as calls, and every one can be undone.
 *
 * @module
 */

import { Client } from "../harness/client.ts";
import { cut, heal } from "../harness/faults.ts";
import { type NodeKind, PORTS, SCHEDULER_PERMISSIONS } from "../harness/lab.ts";
import { clientOn, type Machine, type Network } from "../harness/network.ts";
import type { LabProcess } from "../harness/process.ts";
import type { Books } from "./ledger.ts";
import type { Fault, Target } from "./plan.ts";

const PROGRAM = new URL("client.py", import.meta.url).pathname;
const SCHEDULER_ADDRESS = "10.6.0.1";
const NODE_CPUS = Math.min(2, navigator.hardwareConcurrency);

/** A node that is silent for five of these is given up. */
const PULSE_S = 1;

/** Jobs of a client that are not done; what there is to do for all nodes, and some more. */
const WINDOW = 30;
/** Jobs take this long, in seconds: dispynode reports some that end at once as Terminated. */
const SHORTEST_S = 0.05;
const LONGEST_S = 0.2;
/** Results of the last client are large enough to be kept on disk when it is away. */
const LARGE_RESULT_BYTES = 80_000;

/** What a run needs to know of its processes. */
export interface ClusterOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Which program the nodes are; `mixed`: every second one is ours. */
  readonly nodeKind: NodeKind | "mixed";
  readonly clients: number;
  /** Where logs, ledgers and the scheduler's state go. */
  readonly dir: string;
  /** More options for the scheduler. */
  readonly schedulerArgs: readonly string[];
}

interface Peer {
  readonly machine: Machine;
  process: LabProcess;
}

/** Writes down all that a program prints, behind what earlier ones have. */
function logged(log: string, argv: readonly string[]): string[] {
  return ["sh", "-c", 'exec "$@" >>"$0" 2>&1', log, ...argv];
}

/** See the module's description. */
export class ChaosCluster {
  readonly #net: Network;
  readonly #options: ClusterOptions;
  readonly #machines = new Map<Target, Machine>();
  readonly #peers = new Map<Target, Peer>();
  readonly #clients: Client[] = [];
  /** What was seen in the logs of nodes; see {@linkcode ChaosCluster.maimedNodes}. */
  readonly #deadThreads = new Map<Target, number>();

  constructor(net: Network, options: ClusterOptions) {
    this.#net = net;
    this.#options = options;
  }

  /** The clients' programs. */
  get clients(): readonly Client[] {
    return this.#clients;
  }

  /** Starts everything, and waits until each client has its cluster. */
  async start(): Promise<void> {
    const { nodes, clients, dir } = this.#options;
    for (const folder of ["logs", "state"]) await Deno.mkdir(`${dir}/${folder}`);
    const lan = await this.#net.switch();
    const add = async (target: Target, address: string) =>
      this.#machines.set(
        target,
        await this.#net.machine(target.replace(" ", ""), [[lan, `${address}/24`]]),
      );
    await add("scheduler", SCHEDULER_ADDRESS);
    await this.#startProcess("scheduler");
    for (let n = 1; n <= nodes; n++) {
      await add(`node ${n}`, `10.6.0.${10 + n}`);
      await this.#startProcess(`node ${n}`);
    }
    for (let n = 1; n <= clients; n++) {
      await add(`client ${n}`, `10.6.0.${100 + n}`);
      await this.#startClient(n);
    }
    await Promise.all(this.#clients.map((client) => client.event("created")));
  }

  /** Lets a fault begin. */
  async begin({ kind, target }: Fault): Promise<void> {
    const { machine, process } = this.#peer(target);
    if (kind === "cut") await cut(this.#net, machine);
    else if (kind === "SIGSTOP") process.kill("SIGSTOP");
    else {
      if (kind === "kill -9") process.kill("SIGKILL");
      else process.signal("SIGTERM");
      await process.ended();
    }
  }

  /** Lets a fault end: what was killed is started again as it was. */
  async end({ kind, target }: Fault): Promise<void> {
    const { machine, process } = this.#peer(target);
    if (kind === "cut") await heal(this.#net, machine);
    else if (kind === "SIGSTOP") process.kill("SIGCONT");
    else await this.#startProcess(target);
  }

  /**
   * Has a new client run jobs on all nodes: nobody holds CPUs that are free.
   *
   * @throws {Error} where a node does not serve it
   */
  async serveNewcomer(): Promise<void> {
    const { nodes } = this.#options;
    const machine = this.#machines.get("client 1")!;
    const { events } = await this.#net.runClient(machine, "many.py", {
      scheduler: SCHEDULER_ADDRESS,
      args: ["--wait-nodes", nodes, "--jobs", 4 * NODE_CPUS * nodes, "--seconds", 0.2],
    });
    const done = events.filter(({ event }) => event === "job");
    const used = new Set(done.map(({ result }) => result?.node));
    if (used.size !== nodes || used.has(undefined)) {
      throw new Error(`afterwards a new client was served by ${[...used].join(", ")} only`);
    }
  }

  /** Whoever has ended though nobody has killed it. */
  get fallen(): string[] {
    return [...this.#peers.values()].map(({ process }) => process)
      .filter((process) => process.exit !== undefined && process.failed)
      .map(({ name }) => name);
  }

  /**
   * Nodes that live on with a thread less, which were not told of before. It is dispynode's own
   * fault (it may join a process that it is just about to start): such a node takes jobs, says that
   * they run, and never sends a result again.
   */
  async maimedNodes(): Promise<Target[]> {
    const found: Target[] = [];
    for (let n = 1; n <= this.#options.nodes; n++) {
      const target = `node ${n}`;
      const { length } = (await textOf(this.#log(target))).split("Exception in thread");
      if (length > (this.#deadThreads.get(target) ?? 1)) found.push(target);
      this.#deadThreads.set(target, length);
    }
    return found;
  }

  /** What clients and jobs have written down. */
  async books(): Promise<Books[]> {
    return await Promise.all(this.#clients.map(async (_, index) => {
      const n = index + 1;
      const { ledger, executions } = this.#booksOf(n);
      return {
        name: `client ${n}`,
        reentrant: isReentrant(n),
        ledger: await textOf(ledger),
        executions: await textOf(executions),
      };
    }));
  }

  #log(target: Target): string {
    return `${this.#options.dir}/logs/${target.replace(" ", "-")}.log`;
  }

  #booksOf(n: number): { ledger: string; executions: string } {
    const { dir } = this.#options;
    return { ledger: `${dir}/ledger-${n}`, executions: `${dir}/executions-${n}` };
  }

  #peer(target: Target): Peer {
    const peer = this.#peers.get(target);
    if (peer === undefined) throw new Error(`there is no ${target}`);
    return peer;
  }

  #isOurNode(target: Target): boolean {
    const { nodeKind } = this.#options;
    return nodeKind === "ours" || nodeKind === "mixed" && Number(target.split(" ")[1]) % 2 === 0;
  }

  async #startProcess(target: Target): Promise<void> {
    const { lab } = this.#net;
    const { dir, schedulerArgs } = this.#options;
    const machine = this.#machines.get(target)!;
    const { namespace, addresses: [address = ""] } = machine;
    const isScheduler = target === "scheduler";
    const store = `${dir}/${isScheduler ? "state" : target.replace(" ", "-")}`;
    const isOurNode = !isScheduler && this.#isOurNode(target);
    // A dispynode that was killed as it wrote a file there could not start again. Ours finds the
    // results there that nobody has acknowledged.
    if (!isScheduler && !isOurNode) {
      await Deno.remove(store, { recursive: true }).catch(ignoreAbsent);
    }
    await Deno.mkdir(store, { recursive: true });
    const argv = isScheduler
      ? [
        ...["deno", "run", ...SCHEDULER_PERMISSIONS, `${lab.root}/main.ts`],
        ...["--daemon", "-d", "-i", address, "-p", String(PORTS.current)],
        ...["--dest_path_prefix", store, "--pulse_interval", String(PULSE_S)],
        ...["--ping_interval", "3", "--keep", ...schedulerArgs],
      ]
      : [
        ...[...lab.nodeProgram(isOurNode), ...(isOurNode ? ["-d"] : ["--clean"])],
        ...["--daemon", "-i", address],
        ...["--name", target.replace(" ", ""), "-c", String(NODE_CPUS)],
        ...["--scheduler_host", SCHEDULER_ADDRESS, "--dest_path_prefix", store],
      ];
    const ports = isScheduler ? [PORTS.current, PORTS.current + 2] : [PORTS.current + 1];
    const taken = async () => {
      const listening = ports.map((port) => namespace.listens("tcp", port));
      return (await Promise.all(listening)).filter((is) => is).length;
    };
    // A killed node's job has its socket until it ends, too.
    await lab.until(`the ports of ${target} are free`, async () => await taken() === 0);
    const process = lab.start(target, logged(this.#log(target), argv), store, namespace);
    this.#peers.set(target, { machine, process });
    await lab.ready(process, `${target} listens`, async () => await taken() === ports.length);
  }

  async #startClient(n: number): Promise<void> {
    const { lab } = this.#net;
    const { dir, seed } = this.#options;
    const target = `client ${n}`;
    const machine = this.#machines.get(target)!;
    const { env } = clientOn(machine, { scheduler: SCHEDULER_ADDRESS });
    const options = {
      ...this.#booksOf(n),
      seed: seed * 100 + n,
      reentrant: isReentrant(n),
      window: WINDOW,
      shortestS: SHORTEST_S,
      longestS: LONGEST_S,
      resultBytes: n === this.#options.clients ? LARGE_RESULT_BYTES : 10,
    };
    const folder = `${dir}/${target.replace(" ", "-")}`;
    await Deno.mkdir(folder);
    const argv = [
      ...["sh", "-c", 'exec "$@" 2>>"$0"', this.#log(target)],
      ...[lab.venv.python, PROGRAM, JSON.stringify(options)],
    ];
    const process = lab.start(target, argv, folder, machine.namespace, env);
    this.#peers.set(target, { machine, process });
    this.#clients.push(new Client(process));
  }
}

/** Every second client's jobs must not run twice. */
function isReentrant(n: number): boolean {
  return n % 2 === 1;
}

async function textOf(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch(ignoreAbsent) ?? "";
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
