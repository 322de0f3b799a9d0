/**
 * The scheduler: reads the options, starts the server, waits for a signal.
 *
 * @module
 */

import { parseCommandLine } from "../cli/command_line.ts";
import { consoleWanted, runConsole, SYSTEM_TERMINAL } from "../cli/console.ts";
import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import type { SchedulerConfig } from "../cli/scheduler_config.ts";
import { VERSION } from "../cli/version.ts";
import { earliestJob, earlyCluster, fairCluster } from "../core/mod.ts";
import { configureLogging, getLogger } from "../log/log.ts";
import { findOwnAddresses } from "../server/net/addresses.ts";
import { ListenError } from "../server/net/listen_error.ts";
import type { ServerOptions } from "../server/options.ts";
import { Server } from "../server/server.ts";
import { DiskStore } from "../store/disk_store.ts";
import { type FileStore, StoreError } from "../store/file_store.ts";
import { MemoryStore } from "../store/memory_store.ts";

const log = getLogger();

/** Memory for clients' files where they cannot be kept on disk. */
const MEMORY_STORE_BYTES = 512 * 1024 * 1024;

const POLICIES = { job: earliestJob, fair_cluster: fairCluster, early_cluster: earlyCluster };

/** What a shell expects of a program that was ended by Ctrl-C. */
const INTERRUPTED_EXIT_CODE = 130;

function serverOptions(config: SchedulerConfig): ServerOptions {
  const { pulseIntervalMs, pingIntervalMs, zombieIntervalMs, ports } = config;
  return {
    families: ports.families,
    ipv4Multicast: config.ipv4UdpMulticast,
    nodes: config.nodes,
    nodeSecret: config.nodeSecret,
    clusterSecret: config.clusterSecret,
    nodeTls: config.nodeTls,
    clusterTls: config.clusterTls,
    policy: POLICIES[config.policy],
    cooperative: config.cooperative,
    clusterRules: config.clusterRules,
    cleanupNodes: config.cleanupNodes,
    pulseIntervalMs: pulseIntervalMs ?? null,
    pingIntervalMs: pingIntervalMs ?? null,
    zombieIntervalMs: zombieIntervalMs ?? null,
    msgTimeoutMs: config.msgTimeoutMs,
    maxFileSizeBytes: config.maxFileSizeBytes,
    oversize: config.oversize,
  };
}

/** Where files of clients are kept: on disk, if they can be read back from there. */
async function openStore(config: SchedulerConfig): Promise<FileStore> {
  const folder = config.destPathPrefix ?? await defaultFolder();
  const { state } = Deno.permissions.querySync({ name: "read", path: folder });
  if (state !== "granted") {
    const store = new MemoryStore(MEMORY_STORE_BYTES);
    log.info("files of clients are kept in memory, as they could not be read back from disk", {
      limit_mib: MEMORY_STORE_BYTES >> 20,
      hint: `add --allow-read=${folder}`,
    });
    return store;
  }
  return await DiskStore.open(folder, {
    clean: config.clean,
    isShared: config.destPathPrefix === undefined,
  });
}

/** The same folder at every start, below the system's own for temporary files. */
async function defaultFolder(): Promise<string> {
  const probe = await Deno.makeTempDir();
  await Deno.remove(probe);
  const temporary = probe.slice(0, Math.max(probe.lastIndexOf("/"), probe.lastIndexOf("\\")));
  return `${temporary}/dispy/scheduler`;
}

/** This machine's interfaces, or `null` where they may not be known. */
function interfaces(): Deno.NetworkInterfaceInfo[] | null {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
  return state === "granted" ? Deno.networkInterfaces() : null;
}

/** Resolves once, when the program is asked to end; a second time ends it at once. */
function untilAskedToEnd(quit: AbortSignal): Promise<void> {
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of signals) {
      Deno.addSignalListener(signal, () => {
        if (asked) Deno.exit(INTERRUPTED_EXIT_CODE);
        asked = true;
        resolve();
      });
    }
    quit.addEventListener("abort", () => resolve());
  });
}

async function run(config: SchedulerConfig, warnings: readonly string[]): Promise<void> {
  configureLogging({ level: config.logLevel, format: config.logFormat });
  log.info("version", { version: VERSION, deno: Deno.version.deno, pid: Deno.pid });
  for (const warning of warnings) log.warning(warning);
  const addresses = await findOwnAddresses(config.hosts, config.extHosts, interfaces());
  const server = new Server(serverOptions(config), await openStore(config), addresses);
  await server.start();
  const quit = new AbortController();
  const ended = untilAskedToEnd(quit.signal);
  const stopConsole = new AbortController();
  if (consoleWanted(config.daemon)) {
    runConsole(SYSTEM_TERMINAL, {
      status: () => server.status(),
      quit: () => quit.abort(),
      signal: stopConsole.signal,
    }).catch((error) => log.error("console ended", { reason: String(error) }));
  }
  await ended;
  stopConsole.abort();
  await server.shutdown();
}

/**
 * Runs the scheduler until it is asked to end.
 *
 * @param args The command line.
 * @returns The exit code.
 */
export async function runScheduler(args: readonly string[]): Promise<number> {
  const outcome = parseCommandLine(args, SYSTEM_ENVIRONMENT);
  if (outcome.kind === "exit") {
    if (outcome.stdout !== undefined) console.log(outcome.stdout.trimEnd());
    if (outcome.stderr !== undefined) console.error(outcome.stderr.trimEnd());
    return outcome.code;
  }
  try {
    await run(outcome.config, outcome.warnings);
    return 0;
  } catch (error) {
    if (!(error instanceof ListenError || error instanceof StoreError)) throw error;
    log.error(error.message);
    return 1;
  }
}
