/**
 * Addresses of our own: where we listen, what peers are told, and how datagrams leave by each
 * network that this machine is in.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { canonicalAddress } from "../wire/mod.ts";
import { messageOf } from "../log/error_message.ts";
import { ListenError } from "./listen_error.ts";

/** An address of this machine. */
export interface OwnAddress {
  /** As dispy writes it. */
  readonly address: string;
  /** What a NAT gateway forwards to it, if there is one. */
  readonly external: string | null;
}

/** A network that we reach, and how a datagram for everybody in it is sent there. */
export interface Outlet {
  readonly version: 4 | 6;
  /** A socket bound to this sends broadcasts and multicasts by this interface, not by any. */
  readonly bindTo: string;
  /** The address of ours that peers in this network reach best. */
  readonly address: string;
  /** Reaches everybody in it; `null` where not known, and for IPv6, which has multicast only. */
  readonly broadcast: string | null;
  /** The system's number for it; 0 = whichever the system takes, as it is not known. */
  readonly interfaceIndex: number;
}

/** What is known of our own addresses. */
export interface OwnAddresses {
  /** Where to listen, numerical; empty = everywhere. */
  readonly listenAt: readonly string[];
  /** May be empty: nodes add the address that they see. */
  readonly known: readonly OwnAddress[];
  /** May be empty: the system then chooses a network, but only one. */
  readonly outlets: readonly Outlet[];
}

/** More addresses would not fit into a greeting: nodes read 1000 bytes of a datagram. */
const MAX_ANNOUNCED = 16;

/**
 * Finds out our own addresses.
 *
 * @param hosts Names or addresses to use; empty = all.
 * @param extHosts Names or addresses that a NAT gateway forwards to `hosts`, by position; one
 *   without `hosts` is that of the whole machine.
 * @param interfaces This machine's interfaces; `null` where they may not be known.
 * @throws {ListenError} where a name is not known
 */
export async function findOwnAddresses(
  hosts: readonly string[],
  extHosts: readonly string[],
  interfaces: readonly Deno.NetworkInterfaceInfo[] | null,
): Promise<OwnAddresses> {
  const [listenAt, external] = await Promise.all([
    Promise.all(hosts.map((host) => resolve(host, "-i"))),
    Promise.all(extHosts.map((host) => resolve(host, "--ext_ip_addr"))),
  ]);
  const usable = (interfaces ?? []).filter(({ address }) =>
    listenAt.length > 0
      ? listenAt.includes(canonicalAddress(address))
      : !isLoopback(address) && !isLinkLocal(address)
  );
  const addresses = listenAt.length > 0
    ? listenAt
    : [...new Set(usable.map(({ address }) => canonicalAddress(address)))];
  const outlets = usable.map((each) => outletOf(each, interfaces ?? []));
  for (const address of listenAt) {
    if (!outlets.some((outlet) => outlet.address === address)) outlets.push(plainOutlet(address));
  }
  const known = addresses.map((address, index) => ({ address, external: external[index] ?? null }));
  const [first] = external;
  if (known.length === 0 && first !== undefined) known.push({ address: first, external: null });
  return { listenAt, known, outlets: outlets.filter(isFirstOfInterface) };
}

/**
 * The addresses that a greeting tells: those beyond a NAT gateway too, as the nodes may be on
 * either side of it.
 *
 * @param nearest What the receiver reaches best; comes first.
 */
export function announced(known: readonly OwnAddress[], nearest?: string): string[] {
  const mine = known.filter(({ address }) => address === nearest);
  const all = [...mine, ...known].flatMap(({ address, external }) =>
    external === null ? [address] : [address, external]
  );
  return [...new Set(nearest === undefined ? all : [nearest, ...all])].slice(0, MAX_ANNOUNCED);
}

/** What peers beyond a NAT gateway call the address of ours that is `address` here. */
export function externalOf(known: readonly OwnAddress[], address: string): string {
  return known.find((own) => own.address === address)?.external ?? address;
}

/** This machine's interfaces, or `null` where they may not be known. */
export function ownInterfaces(): Deno.NetworkInterfaceInfo[] | null {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
  return state === "granted" ? Deno.networkInterfaces() : null;
}

/** IPv4 first, as dispy chooses. */
async function resolve(host: string, option: string): Promise<string> {
  try {
    const found = await lookup(host, { all: true });
    const best = found.find(({ family }) => family === 4) ?? found[0];
    if (best !== undefined) return canonicalAddress(best.address);
  } catch (error) {
    throw new ListenError(
      `${option} ${host}: the name is not known (${messageOf(error)}); give an address`,
    );
  }
  throw new ListenError(`${option} ${host}: the name has no address; give an address`);
}

function outletOf(
  { family, name, address, netmask }: Deno.NetworkInterfaceInfo,
  interfaces: readonly Deno.NetworkInterfaceInfo[],
): Outlet {
  if (family === "IPv4") {
    return { ...plainOutlet(address), broadcast: broadcastAddress(address, netmask) };
  }
  // The system sends IPv6 multicasts by any interface, except from a link-local address, which
  // is bound to its own.
  const linkLocal = interfaces.find((each) => each.name === name && isLinkLocal(each.address));
  return {
    ...plainOutlet(canonicalAddress(address)),
    ...(linkLocal === undefined ? {} : {
      bindTo: `${linkLocal.address}%${name}`,
      interfaceIndex: linkLocal.scopeid ?? 0,
    }),
  };
}

/** What can be said of an address by itself. */
function plainOutlet(address: string): Outlet {
  const version = address.includes(":") ? 6 : 4;
  return { version, bindTo: address, address, broadcast: null, interfaceIndex: 0 };
}

/** An interface may have several IPv6 addresses, but needs one greeting. */
function isFirstOfInterface(outlet: Outlet, index: number, all: readonly Outlet[]): boolean {
  return all.findIndex(({ bindTo }) => bindTo === outlet.bindTo) === index;
}

/** Whether it is this machine's alone. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** dispy drops the scope that such an address needs, so it is of no use to peers. */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

/** The highest address of the network, or `null` where it has no broadcast. */
function broadcastAddress(address: string, netmask: string): string | null {
  if (isLoopback(address)) return null;
  const mask = netmask.split(".").map(Number);
  const hostBits = 255 - (mask[3] ?? 255);
  if (hostBits < 2) return null;
  return address.split(".").map((part, index) => Number(part) | (255 - (mask[index] ?? 255)))
    .join(".");
}
