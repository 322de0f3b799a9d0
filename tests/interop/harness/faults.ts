/**
 * Networks that fail: cables that are pulled, cables that are slow.
 *
 * @module
 */

import type { Machine, Network } from "./network.ts";

const SLOW_CABLE = new URL("../stand_ins/slow_cable.py", import.meta.url).pathname;

/** Pulls all cables of a machine: whoever is connected hears nothing, not even a goodbye. */
export async function cut(net: Network, ...machines: readonly Machine[]): Promise<void> {
  await setCables(net, machines, "down");
}

/** Plugs the cables in again. */
export async function heal(net: Network, ...machines: readonly Machine[]): Promise<void> {
  await setCables(net, machines, "up");
}

async function setCables(net: Network, machines: readonly Machine[], state: "up" | "down") {
  for (const cable of machines.flatMap(({ cables }) => cables)) {
    await net.runInside(`ip link set ${cable} ${state}`);
  }
}

/** What a slow cable does to all that a machine sends. */
export interface Slowness {
  readonly delayMs: number;
  /** Of all packets. */
  readonly lossPercent: number;
}

/** Makes the first cable of a machine a slow one: with netem, or a program where there is none. */
export async function slow(
  net: Network,
  machine: Machine,
  { delayMs, lossPercent }: Slowness,
): Promise<void> {
  const netem = `tc qdisc add dev eth0 root netem delay ${delayMs}ms loss ${lossPercent}%`;
  try {
    await net.run(machine, netem);
    return;
  } catch (error) {
    const lacks = error instanceof Error && /kind is unknown|not found/.test(error.message);
    if (!lacks) throw error;
  }
  const { lab } = net;
  const [cable] = machine.cables;
  const python = lab.venv.python;
  const [near, far] = [`near-${cable}`, `far-${cable}`];
  await net.runInside(
    `master=$(ip -o link show ${cable} | sed 's/.* master \\([^ ]*\\) .*/\\1/') && ` +
      `ip link set ${cable} nomaster promisc on && ` +
      `ip link add ${near} type veth peer name ${far} && ` +
      `ip link set ${far} master $master up && ip link set ${near} promisc on up && ` +
      `${python} ${SLOW_CABLE} plain ${near} ${far} ${cable}`,
  );
  await net.run(machine, `${python} ${SLOW_CABLE} plain eth0`);
  const process = lab.start(
    `slow cable of ${machine.name}`,
    [python, SLOW_CABLE, "join", cable ?? "", near, String(delayMs), String(lossPercent), "1"],
    lab.root,
  );
  await process.until("it is joined", () => process.lines.includes("joined") || undefined);
}
