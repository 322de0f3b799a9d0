/**
 * The node: reads the options, starts a node, waits for a signal.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { SYSTEM_ENVIRONMENT } from "../cli/environment.ts";
import { type NodeConfig, parseNodeCommandLine } from "../cli/node_command_line.ts";
import { SECRET_VARIABLES } from "../cli/secrets.ts";
import { USAGE_EXIT_CODE } from "../cli/usage_error.ts";
import { VERSION } from "../cli/version.ts";
import { messageOf } from "../log/error_message.ts";
import { configureLogging, getLogger } from "../log/log.ts";
import { findContainment } from "../node/containment/containment.ts";
import { JobNode } from "../node/node.ts";
import { checkEntry, findJobUser, type JobUser, JobUserError } from "../node/job_user/job_user.ts";
import { NodeFolder, NodeFolderError } from "../node/node_folder.ts";
import type { NodeOptions } from "../node/options.ts";
import { ProgramLanguage } from "../node/program/language.ts";
import { findPython, PythonLanguage } from "../node/python/language.ts";
import type { JobLanguage } from "../node/runner.ts";
import { TypeScriptLanguage } from "../node/typescript/language.ts";
import { type JobPermission, parseJobPermission } from "../node/typescript/permissions.ts";
import { findOwnAddresses } from "../net/addresses.ts";
import { ListenError } from "../net/listen_error.ts";
import { StoreError } from "../store/file_store.ts";
import { ignoreStraySignals, isOffTerminal, untilAskedToEnd } from "./asked_to_end.ts";
import { hideSecrets } from "./hidden_secrets.ts";
import { exitWith } from "./run_command.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const log = getLogger();

/** How often it is looked whether the node's folder is still there. */
const FOLDER_CHECK_MS = 5_000;

const DEFAULT_PYTHON = "python3";

/**
 * Runs a node until it is asked to end, or has served what it was to serve.
 *
 * @param args The command line behind `node`.
 * @returns The exit code.
 */
export async function runNode(args: readonly string[]): Promise<number> {
  const outcome = parseNodeCommandLine(args, SYSTEM_ENVIRONMENT, navigator.hardwareConcurrency);
  if (outcome.kind === "exit") return await exitWith("dispyscheduler node", outcome);
  const { config, warnings } = outcome;
  const permissions = readPermissions(config);
  if (permissions === null) return USAGE_EXIT_CODE;
  ignoreStraySignals(isUnattended(config));
  configureLogging({ level: config.logLevel, format: config.logFormat });
  log.info("version", { version: VERSION, deno: Deno.version.deno, pid: Deno.pid });
  for (const warning of warnings) log.warning(warning);
  if (!mayRunJobs()) return 1;
  const shown = hideSecrets([config.secret]);
  if (shown !== null) log.warning("jobs can read this node's secret", { reason: shown });
  // What the node starts would inherit them, and show them to all that may look at it.
  for (const name of SECRET_VARIABLES) Deno.env.delete(name);
  try {
    await run(config, permissions);
    return 0;
  } catch (error) {
    const isExpected = error instanceof ListenError || error instanceof NodeFolderError ||
      error instanceof StoreError || error instanceof JobUserError;
    if (!isExpected) throw error;
    log.error(error.message);
    return 1;
  }
}

async function run(config: NodeConfig, permissions: readonly JobPermission[]): Promise<void> {
  const jobUser = config.jobUser === undefined ? null : await findJobUser(config.jobUser);
  const folder = await NodeFolder.open(
    join(resolve(config.destPathPrefix ?? await temporaryFolder()), "dispy", "node"),
    {
      clean: config.clean,
      isShared: config.destPathPrefix === undefined,
      isEntered: jobUser !== null,
    },
  );
  const watch = setInterval(() => void keepInPlace(folder), FOLDER_CHECK_MS);
  try {
    if (jobUser !== null) await checkEntry(jobUser, folder.path);
    if (config.serve === 0) return;
    const addresses = await findOwnAddresses(
      config.hosts,
      config.extHosts,
      Deno.networkInterfaces(),
    );
    const ended = Promise.race([
      untilAskedToEnd(isUnattended(config)),
      ...(config.endsWithStdin ? [untilStdinCloses()] : []),
    ]);
    const node = await JobNode.start(
      nodeOptions(config, folder.path),
      addresses,
      await findLanguages(config, permissions, jobUser),
      await findContainment(config.usesNamespace),
      jobUser,
    );
    await Promise.race([ended, node.over]);
    await node.shutdown();
  } finally {
    clearInterval(watch);
    folder.close();
  }
}

/** Makes the node's folder anew where it is gone. */
async function keepInPlace(folder: NodeFolder): Promise<void> {
  if (folder.isInPlace()) return;
  const fields = { folder: folder.path };
  try {
    await folder.renew();
    log.error("the node's folder was removed, moved or replaced; it was made anew", fields);
  } catch (error) {
    log.error("the node's folder is gone, and cannot be made anew", {
      ...fields,
      reason: messageOf(error),
    });
  }
}

/** Whether no terminal's end is the node's. */
function isUnattended({ daemon, endsWithStdin }: NodeConfig): boolean {
  return daemon || endsWithStdin || isOffTerminal();
}

/** Resolves when whoever has started this process has closed its standard input, or has ended. */
async function untilStdinCloses(): Promise<void> {
  for await (const _ignored of Deno.stdin.readable);
}

/** Jobs are programs that do as they like, so that a node with less than all permissions is none. */
function mayRunJobs(): boolean {
  // All of them together: nothing less lets a program look into /proc, where children are found.
  for (const name of ["run", "read", "write", "net", "env", "sys", "ffi", "import"] as const) {
    if (Deno.permissions.querySync({ name }).state === "granted") continue;
    log.error("a node runs programs of others, which needs every permission: start it with -A");
    return false;
  }
  return true;
}

async function findLanguages(
  { python = DEFAULT_PYTHON }: NodeConfig,
  permissions: readonly JobPermission[],
  jobUser: JobUser | null,
): Promise<JobLanguage[]> {
  const pythonLanguage = await findPython(python, jobUser?.launcher);
  const typeScript = await TypeScriptLanguage.find(permissions, undefined, jobUser?.launcher);
  if (typeScript === null) {
    log.warning("no TypeScript functions can be run here: there is no deno in PATH");
  }
  const hasPython = pythonLanguage instanceof PythonLanguage;
  if (!hasPython) log.warning(pythonLanguage.reason);
  return [
    new ProgramLanguage({ python: hasPython ? python : null }, pythonLanguage),
    ...(typeScript === null ? [] : [typeScript]),
    pythonLanguage,
  ];
}

/** Reads `--allow`; `null` where it cannot be read, which the user is told. */
function readPermissions({ allow }: NodeConfig): JobPermission[] | null {
  try {
    return allow.map(parseJobPermission);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(`dispyscheduler node: --allow: ${error.message}`);
    return null;
  }
}

function nodeOptions(config: NodeConfig, folder: string): NodeOptions {
  return {
    name: config.name ?? Deno.hostname(),
    cpus: config.cpus,
    port: config.basePort + 1,
    schedulerPort: config.basePort,
    schedulerHost: config.schedulerHost ?? null,
    ipv4Multicast: config.ipv4UdpMulticast,
    pingIntervalMs: config.pingIntervalMs ?? null,
    msgTimeoutMs: config.msgTimeoutMs,
    secret: config.secret,
    requireOwnAuth: config.requireOwnAuth,
    tls: config.tls,
    serve: config.serve ?? null,
    serviceHours: {
      start: config.serviceStart ?? null,
      stop: config.serviceStop ?? null,
      end: config.serviceEnd ?? null,
    },
    zombieIntervalMs: config.zombieIntervalMs ?? null,
    maxFileSizeBytes: config.maxFileSizeBytes,
    forceCleanup: config.forceCleanup,
    setupTimeoutMs: config.setupTimeoutMs === 0 ? null : config.setupTimeoutMs,
    jobTimeoutMs: config.jobTimeoutMs === 0 ? null : config.jobTimeoutMs,
    jobMemoryBytes: config.jobMemoryBytes === 0 ? null : config.jobMemoryBytes,
    folder,
  };
}
