/**
 * A scheduler in the program itself, for {@linkcode JobCluster}: nodes reach it at the usual port,
 * clients at a port and with a secret that only this program knows.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { fairCluster } from "../core/mod.ts";
import { findOwnAddresses, ownInterfaces } from "../net/addresses.ts";
import type { ServerOptions } from "../server/options.ts";
import { Server } from "../server/server.ts";
import { MemoryStore } from "../store/memory_store.ts";
import { newSign, SIGN_RANDOM_BYTES } from "../wire/mod.ts";
import { DEFAULT_TIMEOUT_MS } from "./cluster_parts.ts";
import { ListenError, TlsError } from "./errors.ts";
import { readTls } from "./network.ts";
import type { ClusterCallbacks, JobClusterOptions, NodeSpec } from "./options.ts";

/** The lowest of dispy's three ports since 4.11. */
const DEFAULT_DISPY_PORT = 9700;

/** Memory for the files of the computation and its jobs. */
const STORE_BYTES = 512 * 1024 * 1024;

const LOOPBACK = "127.0.0.1";

/** What it takes of a cluster's options. */
export type EmbeddedOptions = Omit<
  JobClusterOptions<[], unknown>,
  "computation" | keyof ClusterCallbacks<unknown>
>;

/** A scheduler that runs. */
export interface EmbeddedScheduler {
  /** Where its client side is. */
  readonly host: string;
  readonly port: number;
  readonly clusterSecret: string;
  /** The address at which nodes reach this program best. */
  readonly replyHost: string;
  /** Has its nodes close, and ends it. */
  stop(): Promise<void>;
}

/**
 * Starts a scheduler.
 *
 * @throws {ListenError} Where its ports are taken, by another scheduler most likely.
 * @throws {TlsError} Where the certificate for nodes cannot be used.
 */
export async function startScheduler(
  options: EmbeddedOptions,
): Promise<EmbeddedScheduler> {
  const base = options.dispyPort ?? DEFAULT_DISPY_PORT;
  const hosts = options.host === undefined ? [] : [options.host];
  const externalHosts = options.externalHost === undefined ? [] : [options.externalHost];
  const clusterSecret = newSign(crypto.getRandomValues(new Uint8Array(SIGN_RANDOM_BYTES)));
  try {
    const addresses = await findOwnAddresses(hosts, externalHosts, ownInterfaces());
    const host = addresses.listenAt[0] ?? LOOPBACK;
    const port = freePort(host);
    const family = { nodeSide: base, node: base + 1, clientSide: port };
    const server = new Server(
      serverOptions(options, family, clusterSecret),
      new MemoryStore(STORE_BYTES),
      addresses,
    );
    await server.start();
    const replyHost = addresses.known[0]?.address ?? host;
    return { host, port, clusterSecret, replyHost, stop: () => server.shutdown() };
  } catch (error) {
    if (error instanceof TlsError) throw error;
    throw new ListenError(`cannot be a scheduler: ${messageOf(error)}`, { cause: error });
  }
}

function serverOptions(
  options: EmbeddedOptions,
  family: ServerOptions["families"][number],
  clusterSecret: string,
): ServerOptions {
  const tls = options.nodeTls === undefined ? null : readTls(options.nodeTls);
  return {
    families: [family],
    ipv4Multicast: false,
    nodes: (options.nodes ?? ["*"]).map(hostOf),
    nodeSecret: options.nodeSecret ?? "",
    requireOwnAuth: false,
    clusterSecret,
    nodeTls: tls,
    // Jobs that send to the client directly use the nodes' certificate.
    clusterTls: tls,
    policy: fairCluster,
    // Nobody else has a cluster here who could mind.
    cooperative: true,
    clusterRules: [],
    cleanupNodes: false,
    pulseIntervalMs: options.pulseIntervalMs ?? null,
    pingIntervalMs: options.pingIntervalMs ?? null,
    // The one client is this program itself: there is nothing to find out about it.
    zombieIntervalMs: null,
    msgTimeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxFileSizeBytes: 0,
    oversize: "refuse",
    memoryBudgetBytes: Infinity,
    diskBudgetBytes: Infinity,
    maxJobs: Infinity,
    resultKeepMs: null,
  };
}

function hostOf(node: string | NodeSpec): string {
  return typeof node === "string" ? node : node.host;
}

/** A port that nobody listens at; another program would have to be quick to take it. */
function freePort(hostname: string): number {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
