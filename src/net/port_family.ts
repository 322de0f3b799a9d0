/**
 * The ports that belong together, and what dispy uses along with them.
 *
 * @module
 */

/** The ports of one dispy generation: base, base + 1, base + 2. */
export interface PortFamily {
  /** Where we take messages from nodes, by TCP and UDP. */
  readonly nodeSide: number;
  /** Where nodes are, by TCP and UDP. */
  readonly node: number;
  /** Where we take requests of clients, by TCP. */
  readonly clientSide: number;
}

/** Ports and groups of some releases of dispy. */
export interface DispyDefaults {
  readonly basePort: number;
  /** IPv4 multicast groups of its nodes and schedulers. */
  readonly groupsV4: readonly string[];
  /** The same for IPv6. */
  readonly groupsV6: readonly string[];
  /** What was published with these ports, the newest first. */
  readonly releases: readonly string[];
}

/** `4.9.1` and `4.9.0` for 4.9 up to 1. */
function releases(minor: string, newestPatch: number, oldestPatch: number = 0): string[] {
  const count = newestPatch - oldestPatch + 1;
  return Array.from({ length: count }, (_, index) => `${minor}.${newestPatch - index}`);
}

const GROUPS_SINCE_4_11 = {
  groupsV4: ["239.255.61.59"],
  groupsV6: ["ff05::b409:3171:9705:5134:6159"],
};

/** Up to 4.10, which the manual of dispyscheduler describes. */
export const DISPY_4_10: DispyDefaults = {
  basePort: 51347,
  groupsV4: ["239.255.51.34"],
  // The second one is of releases before 4.8.9.
  groupsV6: ["ff05::b409:3171:9705:6159:5134:70", "ff05::1"],
  releases: [
    ...releases("4.10", 6),
    ...releases("4.9", 1),
    ...releases("4.8", 9),
    ...releases("4.7", 7),
    ...releases("4.6", 18, 18),
  ],
};

/** From 4.11 to 4.14. */
export const DISPY_4_14: DispyDefaults = {
  basePort: 61590,
  ...GROUPS_SINCE_4_11,
  releases: [
    ...releases("4.14", 0),
    ...releases("4.13", 0),
    ...releases("4.12", 4),
    ...releases("4.11", 1),
  ],
};

/** From 4.15 on. */
export const DISPY_4_15: DispyDefaults = {
  basePort: 9700,
  ...GROUPS_SINCE_4_11,
  releases: releases("4.15", 2),
};

/** Every dispy, in the order of their releases. */
export const ALL_DISPYS: readonly DispyDefaults[] = [DISPY_4_10, DISPY_4_14, DISPY_4_15];

/** The dispys that may use a port: those whose own it is, or all where it is nobody's. */
export function dispysAt(port: number): readonly DispyDefaults[] {
  const owners = ALL_DISPYS.filter(({ basePort }) => port === basePort || port === basePort + 1);
  return owners.length > 0 ? owners : ALL_DISPYS;
}

/** The multicast groups of all dispys that may use a port. */
export function groupsAt(port: number): { v4: readonly string[]; v6: readonly string[] } {
  const dispys = dispysAt(port);
  return {
    v4: [...new Set(dispys.flatMap(({ groupsV4 }) => groupsV4))],
    v6: [...new Set(dispys.flatMap(({ groupsV6 }) => groupsV6))],
  };
}
