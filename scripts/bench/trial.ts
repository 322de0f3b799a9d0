/**
 * One run of one scheduler under one load.
 *
 * @module
 */

import { Namespace } from "../../tests/interop/harness/namespace.ts";
import { LabProcess } from "../../tests/interop/harness/process.ts";
import type { Children } from "../children.ts";
import { ROOT, schedulerCommand } from "../config.ts";
import type { Venv } from "../venv.ts";
import type { ClientEvent, ClientResult, Load, NodesEvent } from "./load.ts";
import { SCHEDULER } from "./load.ts";
import { cpuMs, machineCpuMs, peakMemoryKib } from "./proc.ts";

/** The two schedulers that are compared. */
export type Contender = "reference" | "ours";

/** What a trial measured. Times are of the part that counts, without start and warm-up. */
export interface TrialResult extends ClientResult {
  readonly jobsPerS: number;
  readonly submissionsPerS: number;
  /** CPU time of the scheduler for each job. */
  readonly cpuMsPerJob: number;
  /** Share of one core: 1 is a core that does nothing else. */
  readonly schedulerLoad: number;
  readonly nodesLoad: number;
  readonly clientLoad: number;
  /** Share of all cores that went to anything else on the machine. */
  readonly otherLoad: number;
  /** From the computation's turn until every node had it. */
  readonly setUpMs: number;
  readonly peakMemoryKib: number;
  /** Things that should not have happened, as the peers told them. */
  readonly troubles: readonly string[];
}

const START_LIMIT_MS = 30_000;
const TRIAL_LIMIT_MS = 180_000;
const POLL_MS = 20;
const KEPT_TROUBLES = 5;

/** As many ports as there are, for connections that linger after their end. */
const WIDEN_PORTS = "echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range 2>/dev/null; ";

/** The scheduler gets a core for itself, the peers share the others. */
const CORES = navigator.hardwareConcurrency;
const PINNED = CORES >= 2
  ? { scheduler: ["taskset", "-c", "0"], peers: ["taskset", "-c", `1-${CORES - 1}`] }
  : { scheduler: [], peers: [] };

/** How many cores the peers have. */
export const PEER_CORES = Math.max(1, CORES - 1);

/**
 * Runs `contender` under `load`, in a private network of its own.
 *
 * @param durability How much of its state our scheduler keeps; `null` = as much as usual.
 * @throws {Error} if a process fails or the trial takes longer than three minutes
 */
export async function runTrial(
  children: Children,
  venv: Venv,
  contender: Contender,
  load: Load,
  durability: string | null = null,
): Promise<TrialResult> {
  const namespace = await Namespace.open();
  if ("unavailable" in namespace) {
    throw new Error(`The benchmark needs a network of its own: ${namespace.unavailable}`);
  }
  const close = children.onStop(() => namespace.close());
  const scratch = await Deno.makeTempDir({ prefix: "dispyscheduler-bench-" });
  const limit = setTimeout(close, TRIAL_LIMIT_MS);
  try {
    return await measure(namespace, venv, contender, load, scratch, durability);
  } finally {
    clearTimeout(limit);
    await close();
    await Deno.remove(scratch, { recursive: true });
  }
}

async function measure(
  namespace: Namespace,
  venv: Venv,
  contender: Contender,
  load: Load,
  scratch: string,
  durability: string | null,
): Promise<TrialResult> {
  const start = (name: string, argv: readonly string[]) =>
    new LabProcess({
      name,
      argv: namespace.command(["sh", "-c", `${WIDEN_PORTS}exec "$@"`, "sh", ...argv]),
      cwd: scratch,
      env: { NO_COLOR: "1" },
    });
  const peer = (name: string) =>
    start(name, [
      ...PINNED.peers,
      ...[Deno.execPath(), "run", "--no-prompt", "--allow-net"],
      ...[new URL(`scripts/bench/${name}.ts`, ROOT).pathname, JSON.stringify(load)],
    ]);

  const args = ["--daemon", "-i", SCHEDULER.hostname, "--dest_path_prefix", `${scratch}/files`];
  const ours = durability === null ? args : [...args, "--durability", durability];
  const scheduler = start("scheduler", [
    ...PINNED.scheduler,
    ...(contender === "reference"
      ? [venv.python, `${venv.bin}/dispyscheduler.py`, ...args]
      : await schedulerCommand(ours)),
  ]);
  const processes = [scheduler];
  try {
    await listening(namespace, scheduler);
    const nodes = peer("nodes");
    processes.push(nodes);
    await nextEvent<NodesEvent, "registered">(nodes, "registered");
    const client = peer("client");
    processes.push(client);
    const { setUpMs } = await nextEvent<ClientEvent, "ready">(client, "ready");

    await nextEvent<ClientEvent, "warm">(client, "warm");
    if (load.queue) {
      await nodes.send("hold");
      await nextEvent<NodesEvent, "holding">(nodes, "holding");
    }

    const cpuBefore = processes.map((process) => cpuMs(process.pid));
    const machineBefore = machineCpuMs();
    await client.send("go");
    const submitted = await nextEvent<ClientEvent, "submitted">(client, "submitted");
    if (load.queue) await nodes.send("release");
    const drainStart = performance.now();
    const end = await nextEvent<ClientEvent, "end">(client, "end");
    const drainMs = performance.now() - drainStart;
    const usedMs = processes.map((process, i) => cpuMs(process.pid) - (cpuBefore[i] ?? 0));
    const usedByAllMs = machineCpuMs() - machineBefore;
    const [schedulerLoad = 0, nodesLoad = 0, clientLoad = 0] = usedMs.map((ms) => ms / end.tookMs);

    return {
      ...end,
      // A queue fills and empties in turn, everything else does so at once.
      jobsPerS: load.jobs / (load.queue ? drainMs : end.tookMs) * 1000,
      submissionsPerS: load.jobs / submitted.tookMs * 1000,
      cpuMsPerJob: (usedMs[0] ?? 0) / load.jobs,
      schedulerLoad,
      nodesLoad,
      clientLoad,
      otherLoad: (usedByAllMs - usedMs.reduce((sum, ms) => sum + ms)) / CORES / end.tookMs,
      setUpMs,
      peakMemoryKib: peakMemoryKib(scheduler.pid),
      troubles: [...troublesOf(nodes), ...troublesOf(client)].slice(0, KEPT_TROUBLES),
    };
  } catch (error) {
    const said = processes.map((process) => process.report()).join("\n");
    throw new Error(`${error instanceof Error ? error.message : error}\n${said}`);
  } finally {
    await Promise.all(processes.map((process) => process.stop()));
  }
}

async function listening(namespace: Namespace, scheduler: LabProcess): Promise<void> {
  const { hostname, nodePort, clientPort } = SCHEDULER;
  const deadline = performance.now() + START_LIMIT_MS;
  while (
    !await namespace.listens("tcp", nodePort, hostname) ||
    !await namespace.listens("tcp", clientPort, hostname)
  ) {
    if (scheduler.exit) throw new Error("the scheduler ended at its start");
    if (performance.now() > deadline) throw new Error("the scheduler does not listen");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

type Told = NodesEvent | ClientEvent;

/** What a peer has told so far. What Deno itself prints (a crash) is no event. */
function eventsOf(peer: LabProcess): Told[] {
  return peer.lines.filter((line) => line.startsWith('{"event"')).map((line) => JSON.parse(line));
}

function troublesOf(peer: LabProcess): string[] {
  return eventsOf(peer).flatMap((told) =>
    told.event === "trouble" ? [`${peer.name}: ${told.message}`] : []
  );
}

async function nextEvent<E extends Told, K extends E["event"]>(
  peer: LabProcess,
  event: K,
): Promise<Extract<E, { event: K }>> {
  return await peer.until(
    `told "${event}"`,
    () => eventsOf(peer).find((told) => told.event === event) as Extract<E, { event: K }>,
  );
}
