/**
 * The command line of `dispyscheduler node`, from arguments to a checked configuration.
 *
 * @module
 */

import { readArguments } from "./arguments.ts";
import type { CliEnvironment } from "./environment.ts";
import { helpText } from "./help.ts";
import { NODE_OPTIONS } from "./node_options.ts";
import type { TimeOfDay } from "./node_values.ts";
import { DISPY_BASE_PORT } from "./ports.ts";
import { readSecret, readSecretOnStdin, secretWarnings, wantsOwnAuth } from "./secrets.ts";
import type { Selection } from "./selection.ts";
import { type FileOption, readTlsFiles, type TlsFiles } from "./tls_files.ts";
import { USAGE_EXIT_CODE, UsageError } from "./usage_error.ts";
import { versionText } from "./version.ts";

/** All that the options of a node say, checked, with defaults filled in. */
export interface NodeConfig {
  /** CPUs to offer, from 1. */
  readonly cpus: number;
  /** 0: no limit. */
  readonly setupTimeoutMs: number;
  /** 0: no limit. */
  readonly jobTimeoutMs: number;
  /** 0: no limit. */
  readonly jobMemoryBytes: number;
  /** The Python program; absent: the usual one. */
  readonly python?: string;
  /** Permissions for TypeScript functions, as Deno writes them without `--allow-`. */
  readonly allow: readonly string[];
  /** Whom jobs run as; absent: as the node itself. */
  readonly jobUser?: string;
  /** Whether functions run in PID namespaces where the machine has them. */
  readonly usesNamespace: boolean;
  /** Absent: the machine's host name. */
  readonly name?: string;
  /** Own names or addresses to use. Empty: all interfaces. */
  readonly hosts: readonly string[];
  /** Addresses to announce in place of `hosts`, by position. */
  readonly extHosts: readonly string[];
  /** Absent: whoever is found. */
  readonly schedulerHost?: string;
  /** First port of the family. */
  readonly basePort: number;
  readonly ipv4UdpMulticast: boolean;
  /** Absent: greet only at the start and when free again. */
  readonly pingIntervalMs?: number;
  readonly msgTimeoutMs: number;
  /** Empty: none. */
  readonly secret: string;
  readonly requireOwnAuth: boolean;
  readonly tls: TlsFiles | null;
  /** Absent: no limit. */
  readonly serve?: number;
  readonly serviceStart?: TimeOfDay;
  readonly serviceStop?: TimeOfDay;
  readonly serviceEnd?: TimeOfDay;
  /** Absent: never. */
  readonly zombieIntervalMs?: number;
  /** Absent: the directory for temporary files. */
  readonly destPathPrefix?: string;
  /** 0: no limit. */
  readonly maxFileSizeBytes: number;
  readonly forceCleanup: boolean;
  /** It ends when its standard input is closed. */
  readonly endsWithStdin: boolean;
  /** It goes on when its terminal is closed. */
  readonly daemon: boolean;
  readonly clean: boolean;
  readonly logLevel: "debug" | "info";
  readonly logFormat: "text" | "json";
}

/** What the arguments ask for: run, or print something and exit. */
export type NodeCliOutcome =
  | {
    readonly kind: "run";
    readonly config: NodeConfig;
    /** What is allowed but unwise, one line each, for the log. */
    readonly warnings: readonly string[];
  }
  | {
    readonly kind: "exit";
    readonly code: number;
    /** Whole lines for stdout. */
    readonly stdout?: string;
    /** Whole lines for stderr. */
    readonly stderr?: string;
  };

const INTRO = `Usage: dispyscheduler node [options]

Runs jobs for dispy: for this scheduler, for dispy's own (dispyscheduler.py) and for clients with a
JobCluster. Usually no options are needed. Long names may be shortened and written with dashes.`;

const DEFAULT_ZOMBIE_INTERVAL_MS = 60 * 60_000;
const DEFAULT_MSG_TIMEOUT_MS = 5000;
const DEFAULT_SETUP_TIMEOUT_MS = 600_000;

type NodeSelection = Selection<typeof NODE_OPTIONS>;

/**
 * Reads the arguments of the node.
 *
 * @param args The arguments behind `node`.
 * @param environment Reads the files that options name.
 * @param machineCpus CPUs of this machine.
 * @returns A checked configuration to run with; or what to print, and the exit code: 0 after
 *   `--help` and `--version`, 2 with one line on stderr after a mistake.
 */
export function parseNodeCommandLine(
  args: readonly string[],
  environment: CliEnvironment,
  machineCpus: number,
): NodeCliOutcome {
  try {
    const selection = readArguments(args, NODE_OPTIONS);
    const { help, version } = selection.values;
    if (help) return { kind: "exit", code: 0, stdout: helpText(NODE_OPTIONS, INTRO) };
    if (version) return { kind: "exit", code: 0, stdout: versionText() };
    const config = buildConfig(selection, environment, machineCpus);
    return { kind: "run", config, warnings: secretWarnings(selection, environment) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const stderr = `dispyscheduler node: ${error.message}\n`;
    return { kind: "exit", code: USAGE_EXIT_CODE, stderr };
  }
}

function buildConfig(
  selection: NodeSelection,
  environment: CliEnvironment,
  machineCpus: number,
): NodeConfig {
  const { values } = selection;
  checkService(selection);
  const { host: hosts = [], ext_host: extHosts = [] } = values;
  if (extHosts.length > Math.max(1, hosts.length)) {
    throw new UsageError(
      `${selection.origin("ext_host")}: ${extHosts.length} external addresses, but ` +
        `${hosts.length} given with --host; give one --host for each`,
    );
  }
  const fileOption = (name: "certfile" | "keyfile"): FileOption | null => {
    const path = values[name];
    return path === undefined ? null : { path, origin: selection.origin(name) };
  };
  const zombieIntervalMs = values.zombie_interval ?? DEFAULT_ZOMBIE_INTERVAL_MS;
  const { serve } = values;
  const secret = values.secret_on_stdin
    ? readSecretOnStdin("node", selection, environment)
    : readSecret("node", selection, environment);
  return {
    cpus: chooseCpus(selection, machineCpus),
    setupTimeoutMs: values.setup_timeout ?? DEFAULT_SETUP_TIMEOUT_MS,
    jobTimeoutMs: values.job_timeout ?? 0,
    jobMemoryBytes: values.job_memory ?? 0,
    ...(values.python === undefined ? {} : { python: values.python }),
    allow: values.allow ?? [],
    ...(values.job_user === undefined ? {} : { jobUser: values.job_user }),
    usesNamespace: !(values.no_namespace ?? false),
    ...(values.name === undefined ? {} : { name: values.name }),
    hosts,
    extHosts,
    ...(values.scheduler_host === undefined ? {} : { schedulerHost: values.scheduler_host }),
    basePort: values.port ?? DISPY_BASE_PORT,
    ipv4UdpMulticast: values.ipv4_udp_multicast ?? false,
    ...(values.ping_interval === undefined ? {} : { pingIntervalMs: values.ping_interval }),
    msgTimeoutMs: values.msg_timeout ?? DEFAULT_MSG_TIMEOUT_MS,
    secret,
    requireOwnAuth: wantsOwnAuth(selection, secret, "--secret_file"),
    tls: readTlsFiles(environment, fileOption("certfile"), fileOption("keyfile"), "certfile"),
    ...(serve === undefined || serve === null ? {} : { serve }),
    ...(values.service_start === undefined ? {} : { serviceStart: values.service_start }),
    ...(values.service_stop === undefined ? {} : { serviceStop: values.service_stop }),
    ...(values.service_end === undefined ? {} : { serviceEnd: values.service_end }),
    ...(zombieIntervalMs === 0 ? {} : { zombieIntervalMs }),
    ...(values.dest_path_prefix === undefined ? {} : { destPathPrefix: values.dest_path_prefix }),
    maxFileSizeBytes: values.max_file_size ?? 0,
    forceCleanup: values.force_cleanup ?? false,
    endsWithStdin: values.ends_with_stdin ?? false,
    daemon: values.daemon ?? false,
    clean: values.clean ?? false,
    logLevel: values.debug ? "debug" : "info",
    logFormat: values.log_format ?? "text",
  };
}

function chooseCpus(selection: NodeSelection, machineCpus: number): number {
  const asked = selection.values.cpus ?? 0;
  const cpus = asked > 0 ? asked : machineCpus + asked;
  if (cpus >= 1 && cpus <= machineCpus) return cpus;
  throw new UsageError(
    `${selection.origin("cpus")}: this machine has ${machineCpus} CPUs; give a number from ` +
      `${1 - machineCpus} to ${machineCpus}`,
  );
}

/** As with dispynode, a day of service that begins has to end. */
function checkService(selection: NodeSelection): void {
  const { service_start, service_stop, service_end } = selection.values;
  if (service_start !== undefined && service_stop === undefined && service_end === undefined) {
    throw new UsageError(
      `${selection.origin("service_start")}: give --service_stop or --service_end as well`,
    );
  }
}
