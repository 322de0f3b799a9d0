/**
 * A private network for one scenario: dispy's peers broadcast when they start and use fixed ports,
 * so each scenario gets a Linux network namespace with nothing but a loopback interface.
 *
 * A small shell holds the namespace open, and others enter it with `nsenter`. When its standard
 * input ends (the scenario is over, or the test process was killed) the shell kills whatever is
 * left inside, so nothing outlives the tests.
 *
 * @module
 */

import type { Unavailable } from "../../../scripts/venv.ts";

/** Runs inside: brings loopback up, says so, waits for the end of stdin, then sweeps. */
const HOLDER = `
ip link set lo up || exit 1
echo ready
cat >/dev/null
own=$(readlink /proc/$$/ns/net)
for round in 1 2 3; do
  for entry in /proc/[0-9]*; do
    pid=\${entry#/proc/}
    [ "$pid" = $$ ] && continue
    [ "$(readlink "$entry/ns/net" 2>/dev/null)" = "$own" ] && kill -9 "$pid" 2>/dev/null
  done
done
exit 0
`;

interface Way {
  readonly make: readonly string[];
  readonly enter: readonly string[];
}

/** Root makes a plain namespace; anyone else needs a user namespace around it. */
const WAYS: readonly Way[] = [
  { make: ["unshare", "-n"], enter: ["nsenter", "-n"] },
  { make: ["unshare", "-Urn"], enter: ["nsenter", "-U", "-n", "--preserve-credentials"] },
];

/** The kernel's number for a listening TCP socket in `/proc/net/tcp`. */
const TCP_LISTEN = "0A";

/** A network namespace with loopback up, until {@linkcode Namespace.close}. */
export class Namespace {
  readonly #holder: Deno.ChildProcess;
  readonly #way: Way;

  private constructor(holder: Deno.ChildProcess, way: Way) {
    this.#holder = holder;
    this.#way = way;
  }

  /**
   * Makes a namespace in whichever way this user may.
   *
   * @returns the namespace, or why this machine does not give one
   */
  static async open(): Promise<Namespace | Unavailable> {
    const reasons: string[] = [];
    const ways = Deno.uid() === 0 ? WAYS : WAYS.slice(1);
    for (const way of ways) {
      try {
        const made = await hold(way.make);
        if ("holder" in made) return new Namespace(made.holder, way);
        reasons.push(`${way.make.join(" ")}: ${made.problem}`);
      } catch (error) {
        reasons.push(`${way.make.join(" ")}: ${error instanceof Error ? error.message : error}`);
      }
    }
    return { unavailable: `no private network namespace (${reasons.join("; ")})` };
  }

  /** Makes another namespace: the same user owns both, so that interfaces can join them. */
  async another(): Promise<Namespace> {
    const made = await hold([...this.command(["unshare", "-n"])]);
    if ("problem" in made) throw new Error(`no second namespace: ${made.problem}`);
    return new Namespace(made.holder, this.#way);
  }

  /** A process inside: `ip link add … netns PID` takes it for the namespace's name. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** The command line that runs `argv` inside. */
  command(argv: readonly string[]): string[] {
    return [...this.#way.enter, "-t", String(this.pid), "--", ...argv];
  }

  /** Whether something listens at this port inside; `address` undefined means at any address. */
  async listens(kind: "tcp" | "udp", port: number, address?: string): Promise<boolean> {
    const table = await Deno.readTextFile(`/proc/${this.#holder.pid}/net/${kind}`);
    const table6 = await Deno.readTextFile(`/proc/${this.#holder.pid}/net/${kind}6`)
      .catch(() => "");
    return [...table.split("\n"), ...table6.split("\n")].some((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [localAddress = "", localPort = ""] = local.split(":");
      if (parseInt(localPort, 16) !== port) return false;
      if (kind === "tcp" && state !== TCP_LISTEN) return false;
      const everywhere = /^0+$/.test(localAddress);
      return address === undefined || everywhere || localAddress === procAddress(address);
    });
  }

  /** Kills whatever still runs inside and gives the namespace up. */
  async close(): Promise<void> {
    await this.#holder.stdin.close();
    await collect(this.#holder);
  }
}

async function hold(
  make: readonly string[],
): Promise<{ holder: Deno.ChildProcess } | { problem: string }> {
  const [program = "", ...args] = [...make, "sh", "-c", HOLDER];
  const holder = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const reader = holder.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  if (value !== undefined && new TextDecoder().decode(value).startsWith("ready")) {
    return { holder };
  }
  await holder.stdin.close().catch(() => {});
  const { stderr } = await collect(holder);
  return { problem: stderr.trim() };
}

/** An IPv4 address as `/proc/net/tcp` writes it: the bytes in the machine's (little-endian) order. */
function procAddress(address: string): string {
  return address.split(".").reverse()
    .map((part) => Number(part).toString(16).padStart(2, "0")).join("").toUpperCase();
}

async function collect(child: Deno.ChildProcess): Promise<{ stderr: string }> {
  const [stderr] = await Promise.all([
    new Response(child.stderr).text(),
    child.stdout.cancel(),
    child.status,
  ]);
  return { stderr };
}
