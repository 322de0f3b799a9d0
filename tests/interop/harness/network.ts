/**
 * Scenarios with several machines: each a network namespace of its own, joined by virtual cables
 * and switches that exist in the scenario's private network only.
 *
 * @module
 */

import type { Client, ClientRun } from "./client.ts";
import { type ClientOptions, type Lab, NODE_CPUS, NODES, PORTS, SCHEDULER } from "./lab.ts";
import { SCHEDULER_PERMISSIONS } from "./lab.ts";
import type { Namespace } from "./namespace.ts";
import type { LabProcess } from "./process.ts";
import { portOf, type Release } from "./releases.ts";
import { scenario, type ScenarioOptions } from "./scenario.ts";

/** IPv6 addresses are of use at once: nobody else is there to have the same. */
const QUICK_IPV6 = "for i in all default; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done";

const STAND_INS = new URL("../stand_ins", import.meta.url).pathname;

/** A machine of the scenario. */
export interface Machine {
  readonly name: string;
  readonly namespace: Namespace;
  /** Its addresses, in the order of its interfaces `eth0`, `eth1`, …. */
  readonly addresses: readonly string[];
  /** The other ends of its interfaces: devices in the scenario's own namespace. */
  readonly cables: readonly string[];
}

/** A network that machines are plugged into. */
export interface Switch {
  readonly device: string;
}

/** How a peer is started on a machine. */
export interface PeerOptions {
  readonly args?: readonly string[];
  /** Where it listens; its machine's first address when absent. */
  readonly addresses?: readonly string[];
  /** Whether it is a Python program that finds the module netifaces. */
  readonly netifaces?: boolean;
}

/** How a node is started on a machine. */
export interface NetworkNodeOptions extends PeerOptions {
  /**
   * Whether its own greetings, which it sends two seconds after its start, are lost: it must be
   * found. Needs `nft`.
   */
  readonly mute?: boolean;
  /** A node of this release of dispy, at its own ports. */
  readonly release?: Release;
}

/** How a scheduler is started on a machine. */
export interface NetworkSchedulerOptions extends PeerOptions {
  /** Permissions of our own scheduler; the usual ones when absent. */
  readonly permissions?: readonly string[];
  /** Without it, the scheduler is given `-p 9700`. */
  readonly bothFamilies?: boolean;
}

/** How a client program is run on a machine. */
export interface NetworkClientOptions extends Omit<ClientOptions, "namespace" | "env"> {
  /** The address by which it calls the scheduler. */
  readonly scheduler: string;
  /** Where the scheduler reaches it, when that is not its own address. */
  readonly externalAddress?: string;
  readonly port?: number;
}

/** The machines of one scenario. */
export class Network {
  /** What one-machine scenarios have, too. */
  readonly lab: Lab;
  readonly #machines: Machine[] = [];
  #devices = 0;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  /** Makes a network. */
  async switch(): Promise<Switch> {
    const device = `sw${++this.#devices}`;
    // Snooping would drop multicasts as long as it does not know who has joined.
    await run(
      this.lab.namespace,
      `ip link add ${device} type bridge mcast_snooping 0 && ip link set ${device} up`,
    );
    return { device };
  }

  /**
   * Makes a machine.
   *
   * @param links Its interfaces: a network and the address with prefix length there, or several.
   * @param routes Arguments of `ip route add`, such as `default via 10.0.0.1`.
   */
  async machine(
    name: string,
    links: readonly (readonly [Switch, ...string[]])[],
    routes: readonly string[] = [],
  ): Promise<Machine> {
    const namespace = await this.lab.namespace.another();
    const cables = links.map(() => `cable${++this.#devices}`);
    const machine = {
      name,
      namespace,
      cables,
      addresses: links.flatMap(([, ...cidrs]) => cidrs.map((cidr) => cidr.split("/")[0] ?? "")),
    };
    this.#machines.push(machine);
    await run(namespace, QUICK_IPV6);
    for (const [index, [{ device }, ...cidrs]] of links.entries()) {
      const cable = cables[index]!;
      const eth = `eth${index}`;
      await run(
        this.lab.namespace,
        `ip link add ${cable} type veth peer name ${eth} netns ${namespace.pid} && ` +
          `ip link set ${cable} master ${device} up`,
      );
      for (const cidr of cidrs) {
        const extra = cidr.includes(":") ? "nodad" : "broadcast +";
        await run(namespace, `ip addr add ${cidr} ${extra} dev ${eth}`);
      }
      await run(namespace, `ip link set ${eth} up`);
    }
    for (const route of routes) {
      const family = route.includes("::") ? "-6" : "-4";
      await run(namespace, `ip ${family} route add ${route}`);
    }
    return machine;
  }

  /** Lets a machine pass on what is not for itself. */
  async forward(machine: Machine): Promise<void> {
    await this.run(
      machine,
      "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
    );
  }

  /** Runs a shell command on a machine, which must succeed. */
  async run(machine: Machine, command: string): Promise<string> {
    return await run(machine.namespace, command);
  }

  /** Runs a shell command in the scenario's own namespace, where the cables end. */
  async runInside(command: string): Promise<string> {
    return await run(this.lab.namespace, command);
  }

  /** Starts the scheduler under test on a machine and waits until its ports are open. */
  async startScheduler(
    machine: Machine,
    options: NetworkSchedulerOptions = {},
  ): Promise<LabProcess> {
    const store = await this.lab.folder("scheduler");
    const addresses = options.addresses ?? machine.addresses.slice(0, 1);
    const args = [
      ...["--daemon", "-d", "--dest_path_prefix", store],
      ...addresses.flatMap((address) => ["-i", address]),
      ...(options.bothFamilies ? [] : ["-p", String(PORTS.current)]),
      ...(options.args ?? []),
    ];
    const argv = SCHEDULER === "reference"
      ? [this.lab.venv.python, `${this.lab.venv.bin}/dispyscheduler.py`, ...args]
      : [
        ...["deno", "run", ...(options.permissions ?? SCHEDULER_PERMISSIONS)],
        ...[`${this.lab.root}/main.ts`, ...args],
      ];
    const process = this.lab.start(`scheduler on ${machine.name}`, argv, store, machine.namespace);
    await this.lab.ready(
      process,
      `${process.name} listens`,
      async () =>
        await machine.namespace.listens("tcp", PORTS.current) &&
        await machine.namespace.listens("tcp", PORTS.current + 2) &&
        await machine.namespace.listens("udp", PORTS.current),
    );
    return process;
  }

  /** Starts a node on a machine and waits until its ports are open. It finds its scheduler. */
  async startNode(machine: Machine, options: NetworkNodeOptions = {}): Promise<LabProcess> {
    if (options.mute) {
      await this.run(machine, "nft add table inet mute");
      const chain = "{ type filter hook output priority 0; }";
      await this.run(machine, `nft 'add chain inet mute out ${chain}'`);
      await this.run(
        machine,
        `nft add rule inet mute out udp dport ${portOf(options.release)} drop`,
      );
    }
    const port = portOf(options.release);
    const store = await this.lab.folder("node");
    const addresses = options.addresses ?? machine.addresses.slice(0, 1);
    const process = this.lab.start(
      `node on ${machine.name}`,
      [
        ...this.lab.nodeProgram(NODES === "ours" && options.release === undefined, options),
        ...["-d", "--clean", "--daemon", "--name", machine.name, "-c", String(NODE_CPUS)],
        ...["--dest_path_prefix", store, ...addresses.flatMap((address) => ["-i", address])],
        ...(options.args ?? []),
      ],
      store,
      machine.namespace,
      pythonPath(options),
    );
    await this.lab.ready(
      process,
      `${process.name} listens`,
      async () =>
        await machine.namespace.listens("tcp", port + 1) &&
        await machine.namespace.listens("udp", port + 1),
    );
    return process;
  }

  /** Starts dispy's relay on a machine, at the node port as usual, and waits until it listens. */
  async startRelay(machine: Machine, options: PeerOptions = {}): Promise<LabProcess> {
    const addresses = options.addresses ?? machine.addresses;
    const process = this.lab.start(
      `relay on ${machine.name}`,
      [
        ...[this.lab.venv.python, `${this.lab.venv.bin}/dispynetrelay.py`, "-d", "--daemon"],
        ...addresses.flatMap((address) => ["-i", address]),
        ...(options.args ?? []),
      ],
      await this.lab.folder("relay"),
      machine.namespace,
      pythonPath(options),
    );
    await this.lab.ready(
      process,
      `${process.name} listens`,
      async () =>
        await machine.namespace.listens("tcp", PORTS.current + 1) &&
        await machine.namespace.listens("udp", PORTS.current + 1) &&
        await machine.namespace.listens("udp", PORTS.current),
    );
    return process;
  }

  /** Starts a client program on a machine. */
  async startClient(
    machine: Machine,
    program: string,
    options: NetworkClientOptions,
  ): Promise<Client> {
    return await this.lab.startClient(program, clientOn(machine, options));
  }

  /** Runs a client program on a machine to its good end. */
  async runClient(
    machine: Machine,
    program: string,
    options: NetworkClientOptions,
  ): Promise<ClientRun> {
    return await (await this.startClient(machine, program, options)).succeeded();
  }

  /** Waits until the scheduler says that it has found these nodes, told by their addresses. */
  async untilFound(scheduler: LabProcess, ...nodes: readonly string[]): Promise<void> {
    for (const node of nodes) {
      const said = SCHEDULER === "reference" ? `Discovered ${node}:` : `node found node=${node} `;
      await scheduler.until(
        `it has found ${node}`,
        () => scheduler.lines.some((line) => line.includes(said)) || undefined,
      );
    }
  }

  /** Runs a few jobs on each of these nodes, told by their addresses; all must succeed. */
  async useNodes(machine: Machine, scheduler: string, nodes: readonly string[]): Promise<void> {
    const perNode = 3;
    const { events } = await this.runClient(machine, "many.py", {
      scheduler,
      args: [
        ...["--wait-nodes", nodes.length, "--jobs", perNode * nodes.length],
        ...nodes.flatMap((node) => ["--pin", node]),
      ],
    });
    const found = events.filter((line) => line.event === "job").map((job) => job.result?.node);
    const wanted = Array.from({ length: perNode }, () => nodes).flat();
    if (found.join() !== wanted.join()) {
      throw new Error(`jobs ran on [${found.join(", ")}] instead of [${wanted.join(", ")}]`);
    }
  }

  /** Gives all machines up. */
  async close(): Promise<void> {
    await Promise.all(this.#machines.map(({ namespace }) => namespace.close()));
  }
}

/** What has a client program run on a machine and find its scheduler from there. */
export function clientOn(machine: Machine, options: NetworkClientOptions): ClientOptions {
  const { scheduler, externalAddress, port, ...rest } = options;
  return {
    name: `client on ${machine.name}`,
    ...rest,
    namespace: machine.namespace,
    env: {
      LAB_SCHEDULER: scheduler,
      LAB_ADDRESS: machine.addresses[0] ?? "",
      ...(externalAddress === undefined ? {} : { LAB_EXTERNAL_ADDRESS: externalAddress }),
      ...(port === undefined ? {} : { LAB_CLIENT_PORT: String(port) }),
    },
  };
}

function pythonPath({ netifaces }: PeerOptions): Record<string, string> {
  return netifaces ? { PYTHONPATH: STAND_INS } : {};
}

async function run(namespace: Namespace, command: string): Promise<string> {
  const [program = "", ...args] = namespace.command(["sh", "-ec", command]);
  const output = await new Deno.Command(program, { args, stdin: "null" }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (output.code !== 0) throw new Error(`${command}: ${text(output.stderr)}`);
  return text(output.stdout);
}

async function hasProgram(name: string): Promise<boolean> {
  try {
    await new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

const noNft = await hasProgram("nft") ? undefined : "no nft (package nftables) on this machine";
if (noNft !== undefined && Deno.env.get("CI") !== "true") {
  console.warn(`scenarios with packet filters are ignored: ${noNft}`);
}

/** A scenario with several machines. */
export function networkScenario(
  name: string,
  options: ScenarioOptions & {
    /** Whether it filters packets. */
    readonly nft?: boolean;
  },
  steps: (net: Network) => Promise<void>,
): void {
  const { nft, ...rest } = options;
  scenario(name, { ...rest, unavailable: nft ? noNft : undefined }, async (lab) => {
    const network = new Network(lab);
    try {
      await steps(network);
    } finally {
      await lab.stop();
      await network.close();
    }
  });
}
