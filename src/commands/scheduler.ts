/**
 * The scheduler: reads the options, starts the server, waits for a signal.
 *
 * @module
 */

import { parseCommandLine } from "../cli/command_line.ts";
import { consoleWanted, runConsole, SYSTEM_TERMINAL } from "../cli/console.ts";
import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import type { SchedulerConfig } from "../cli/scheduler_config.ts";
import { SECRET_VARIABLES } from "../cli/secrets.ts";
import { VERSION } from "../cli/version.ts";
import { earliestJob, earlyCluster, fairCluster } from "../core/mod.ts";
import { JournalError } from "../journal/database.ts";
import { configureLogging, getLogger } from "../log/log.ts";
import { findOwnAddresses, ownInterfaces } from "../net/addresses.ts";
import { ListenError } from "../net/listen_error.ts";
import type { ServerOptions } from "../server/options.ts";
import { Server } from "../server/server.ts";
import { StoreError } from "../store/file_store.ts";
import { giveUp } from "./give_up.ts";
import { hideSecrets } from "./hidden_secrets.ts";
import { LocalNode, LocalNodeError } from "./local_node.ts";
import { exitWith } from "./run_command.ts";
import { openState } from "./scheduler_state.ts";
import { ignoreStraySignals, isOffTerminal, untilAskedToEnd } from "./asked_to_end.ts";

const log = getLogger();

const POLICIES = { job: earliestJob, fair_cluster: fairCluster, early_cluster: earlyCluster };

function serverOptions(config: SchedulerConfig): ServerOptions {
  const { pulseIntervalMs, pingIntervalMs, zombieIntervalMs, ports } = config;
  return {
    families: ports.families,
    ipv4Multicast: config.ipv4UdpMulticast,
    nodes: config.nodes,
    nodeSecret: config.nodeSecret,
    requireOwnAuth: config.requireOwnAuth,
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
    memoryBudgetBytes: config.memoryBudgetBytes,
    diskBudgetBytes: config.diskBudgetBytes,
    maxJobs: config.maxJobs,
    resultKeepMs: config.resultKeepMs ?? null,
  };
}

async function run(config: SchedulerConfig, warnings: readonly string[]): Promise<void> {
  const isUnattended = config.daemon || isOffTerminal();
  ignoreStraySignals(isUnattended);
  configureLogging({ level: config.logLevel, format: config.logFormat });
  log.info("version", { version: VERSION, deno: Deno.version.deno, pid: Deno.pid });
  for (const warning of warnings) log.warning(warning);
  const shown = hideSecrets([config.nodeSecret, config.clusterSecret]);
  if (shown !== null && config.localCpus !== undefined) {
    log.warning("jobs on this machine can read secrets that this process was started with", {
      reason: shown,
    });
  }
  const interfaces = ownInterfaces();
  if (interfaces === null && config.hosts.length === 0) {
    log.info("only one network is searched for nodes, as this machine's addresses are not known", {
      hint: "add --allow-sys=networkInterfaces",
    });
  }
  const unread = SECRET_VARIABLES.filter((name) => !SYSTEM_ENVIRONMENT.mayRead(name));
  if (unread.length > 0 && (config.nodeSecret === "" || config.clusterSecret === "")) {
    log.info("secrets in the environment are not looked for", {
      hint: `add --allow-env=${unread.join(",")}`,
    });
  }
  const addresses = await findOwnAddresses(config.hosts, config.extHosts, interfaces);
  const { store, state } = await openState(config);
  const server = new Server(serverOptions(config), store, addresses, state);
  const localNode = config.localCpus === undefined
    ? null
    : new LocalNode(config, config.localCpus, addresses.known[0]?.address ?? "127.0.0.1");
  await server.start();
  localNode?.start();
  giveUp("ffi", "env", "sys", "import", ...(localNode === null ? ["run" as const] : []));
  const quit = new AbortController();
  const ended = untilAskedToEnd(isUnattended, quit.signal);
  const stopConsole = new AbortController();
  if (consoleWanted(config.daemon)) {
    runConsole(SYSTEM_TERMINAL, {
      status: () => server.status(),
      quit: () => quit.abort(),
      signal: stopConsole.signal,
    }).catch((error) => log.error("console ended", { reason: String(error) }));
  }
  const by = await ended;
  stopConsole.abort();
  log.info("asked to end", { by });
  // What a service manager sends before an update or a restart of the machine must lose nothing.
  const keeps = config.keep || (isUnattended && by === "SIGTERM");
  if (keeps && state !== null) await server.suspend();
  else await server.shutdown();
  await localNode?.end();
}

/**
 * Runs the scheduler until it is asked to end.
 *
 * @param args The command line.
 * @returns The exit code.
 */
export async function runScheduler(args: readonly string[]): Promise<number> {
  const outcome = parseCommandLine(args, SYSTEM_ENVIRONMENT);
  if (outcome.kind === "exit") return await exitWith("dispyscheduler", outcome);
  try {
    await run(outcome.config, outcome.warnings);
    return 0;
  } catch (error) {
    if (
      !(error instanceof ListenError || error instanceof StoreError ||
        error instanceof JournalError || error instanceof LocalNodeError)
    ) throw error;
    log.error(error.message);
    return 1;
  }
}
