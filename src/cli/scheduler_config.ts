import { type CliEnvironment, readOptionFile } from "./environment.ts";
import { type ClusterRule, parseClusterRules } from "./cluster_rules.ts";
import { planPorts, type PortPlan } from "./ports.ts";
import type { Selection } from "./selection.ts";
import { readSecret, wantsOwnAuth } from "./secrets.ts";
import { type FileOption, readTlsFiles, type TlsFiles } from "./tls_files.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Whose job comes next: the one that waits longest (`job`), one of the cluster that was served the
 * longest time ago (`fair_cluster`), or one of the cluster created first (`early_cluster`).
 */
export type Policy = "job" | "fair_cluster" | "early_cluster";

/** See `--durability`. */
export type Durability = "off" | "crash" | "power";

/** All that the options say, checked, with defaults filled in. */
export interface SchedulerConfig {
  /** Nodes to greet at the start: names, addresses, addresses with `*`. Empty: whoever is found. */
  readonly nodes: readonly string[];
  /** Own names or addresses to use. Empty: all interfaces. */
  readonly hosts: readonly string[];
  /** Addresses to announce in place of `hosts`, by position; never longer than `hosts` (or 1). */
  readonly extHosts: readonly string[];
  readonly ports: PortPlan;
  readonly ipv4UdpMulticast: boolean;
  /** Empty: none. */
  readonly nodeSecret: string;
  readonly requireOwnAuth: boolean;
  /** Empty: none. */
  readonly clusterSecret: string;
  readonly nodeTls: TlsFiles | null;
  readonly clusterTls: TlsFiles | null;
  readonly policy: Policy;
  readonly cooperative: boolean;
  /** CPUs of a node that runs beside the scheduler; absent: none does. */
  readonly localCpus?: number;
  /** For each setting, the first rule that matches a cluster and says something counts. */
  readonly clusterRules: readonly ClusterRule[];
  /** Absent: not asked for. */
  readonly pulseIntervalMs?: number;
  /** Absent: ping only at the start. */
  readonly pingIntervalMs?: number;
  /** Absent: never. */
  readonly zombieIntervalMs?: number;
  readonly msgTimeoutMs: number;
  /** Absent: a directory below the one for temporary files. */
  readonly destPathPrefix?: string;
  /** 0: no limit. */
  readonly maxFileSizeBytes: number;
  /** What becomes of a larger file: its beginning is kept, or it is not taken. */
  readonly oversize: "truncate" | "refuse";
  /** Memory for arguments and results. */
  readonly memoryBudgetBytes: number;
  /** Arguments and results that are kept, in memory and on disk. */
  readonly diskBudgetBytes: number;
  /** Jobs and undelivered results at a time. */
  readonly maxJobs: number;
  /** Absent: results are kept until their clients come. */
  readonly resultKeepMs?: number;
  readonly clean: boolean;
  /** What is to survive the program's end: nothing, all that a crash leaves, all that is on disk. */
  readonly durability: Durability;
  /** An end in order leaves everything for the next start. */
  readonly keep: boolean;
  readonly cleanupNodes: boolean;
  readonly httpd: boolean;
  /** Read no commands from the terminal. */
  readonly daemon: boolean;
  readonly logLevel: "debug" | "info";
  readonly logFormat: "text" | "json";
}

const DEFAULT_ZOMBIE_INTERVAL_MS = 60 * 60_000;
const DEFAULT_MSG_TIMEOUT_MS = 5000;
const DEFAULT_MEMORY_BUDGET_BYTES = 512 * 1024 ** 2;
const DEFAULT_DISK_BUDGET_BYTES = 16 * 1024 ** 3;
const DEFAULT_MAX_JOBS = 1_000_000;
const DEFAULT_RESULT_KEEP_DAYS = 30;
const DAY_MS = 24 * 60 * 60_000;

function choosePolicy(selection: Selection): Policy {
  const { fair_cluster_scheduler: fair, early_cluster_scheduler: early } = selection.values;
  if (fair && early) {
    throw new UsageError(
      `${selection.origin("fair_cluster_scheduler")}: contradicts ` +
        `${selection.origin("early_cluster_scheduler")}; give one of both`,
    );
  }
  return fair ? "fair_cluster" : early ? "early_cluster" : "job";
}

/** What is not kept at all cannot be kept for the next start. */
function checkKeep(selection: Selection): boolean {
  const { keep = false, durability } = selection.values;
  if (keep && durability === "off") {
    throw new UsageError(
      `${selection.origin("keep")}: contradicts ${selection.origin("durability")} off; ` +
        "give one of both",
    );
  }
  return keep;
}

/** A node beside the scheduler must listen where the scheduler's family of ports has nodes. */
function localCpusOf(selection: Selection): { localCpus?: number } {
  const { local_cpus: localCpus, node_port: nodePort } = selection.values;
  if (localCpus === undefined) return {};
  if (nodePort !== undefined) {
    throw new UsageError(
      `${selection.origin("local_cpus")}: contradicts ${selection.origin("node_port")}; ` +
        "start a node with `dispyscheduler node` instead",
    );
  }
  return { localCpus };
}

/** Several own addresses and their external ones are matched by position, so none may be left. */
function checkAddresses(selection: Selection): void {
  const { ip_addr: hosts = [], ext_ip_addr: extHosts = [] } = selection.values;
  const twice = hosts.find((host, index) => hosts.indexOf(host) !== index);
  if (twice !== undefined) {
    throw new UsageError(
      `${selection.origin("ip_addr")}: ${JSON.stringify(twice)} is given twice; give it once`,
    );
  }
  if (extHosts.length > Math.max(1, hosts.length)) {
    throw new UsageError(
      `${selection.origin("ext_ip_addr")}: ${extHosts.length} external addresses, but ` +
        `${hosts.length} given with --ip_addr; give one --ip_addr for each`,
    );
  }
}

/** How much is kept, and how long. */
function memoryOf({ values }: Selection) {
  const limit = (sizeBytes: number) => sizeBytes === 0 ? Infinity : sizeBytes;
  const resultKeepMs = (values.result_keep_days ?? DEFAULT_RESULT_KEEP_DAYS) * DAY_MS;
  return {
    memoryBudgetBytes: limit(values.memory_budget ?? DEFAULT_MEMORY_BUDGET_BYTES),
    diskBudgetBytes: limit(values.disk_budget ?? DEFAULT_DISK_BUDGET_BYTES),
    maxJobs: values.max_jobs ?? DEFAULT_MAX_JOBS,
    ...(resultKeepMs === 0 ? {} : { resultKeepMs }),
  };
}

/** The rules of the file, and behind them those that the options make for all clusters. */
function readRules(selection: Selection, environment: CliEnvironment): ClusterRule[] {
  const { values } = selection;
  const path = values.cluster_rules;
  const rules = path === undefined ? [] : parseClusterRules(
    readOptionFile(environment, path, selection.origin("cluster_rules")),
    `${selection.origin("cluster_rules")}: ${path}`,
  );
  const defaults: ClusterRule = {
    ...(values.max_cluster_cpus === undefined ? {} : { maxCpus: values.max_cluster_cpus }),
    ...(values.max_client_jobs === undefined ? {} : { maxJobs: values.max_client_jobs }),
    ...(values.max_client_bytes ? { maxJobBytes: values.max_client_bytes } : {}),
  };
  return Object.keys(defaults).length === 0 ? rules : [...rules, defaults];
}

/**
 * Checks how the options fit together and fills in defaults.
 *
 * @param selection The options given.
 * @param environment Reads certificate and key files.
 * @returns The configuration.
 * @throws {UsageError} When options contradict each other or a file they name is no good.
 */
export function buildConfig(selection: Selection, environment: CliEnvironment): SchedulerConfig {
  const values = selection.values;
  const fileOption = (
    name: "node_certfile" | "node_keyfile" | "cluster_certfile" | "cluster_keyfile",
  ): FileOption | null => {
    const path = values[name];
    return path === undefined ? null : { path, origin: selection.origin(name) };
  };
  const tlsFiles = (side: "node" | "cluster"): TlsFiles | null =>
    readTlsFiles(
      environment,
      fileOption(`${side}_certfile`),
      fileOption(`${side}_keyfile`),
      `${side}_certfile`,
    );
  checkAddresses(selection);
  const zombieIntervalMs = values.zombie_interval ?? DEFAULT_ZOMBIE_INTERVAL_MS;
  return {
    nodes: [...new Set(values.nodes ?? [])],
    hosts: values.ip_addr ?? [],
    extHosts: values.ext_ip_addr ?? [],
    ports: planPorts({
      port: values.port,
      schedulerPort: values.scheduler_port,
      schedulerPortOrigin: selection.origin("scheduler_port"),
      nodePort: values.node_port,
    }),
    ipv4UdpMulticast: values.ipv4_udp_multicast ?? false,
    ...nodeProofs(selection, environment),
    clusterSecret: readSecret("cluster", selection, environment),
    nodeTls: tlsFiles("node"),
    clusterTls: tlsFiles("cluster"),
    policy: choosePolicy(selection),
    cooperative: values.cooperative ?? false,
    ...localCpusOf(selection),
    clusterRules: readRules(selection, environment),
    ...(values.pulse_interval === undefined ? {} : { pulseIntervalMs: values.pulse_interval }),
    ...(values.ping_interval === undefined ? {} : { pingIntervalMs: values.ping_interval }),
    ...(zombieIntervalMs === 0 ? {} : { zombieIntervalMs }),
    msgTimeoutMs: values.msg_timeout ?? DEFAULT_MSG_TIMEOUT_MS,
    ...(values.dest_path_prefix === undefined ? {} : { destPathPrefix: values.dest_path_prefix }),
    ...memoryOf(selection),
    maxFileSizeBytes: values.max_file_size ?? 0,
    oversize: values.oversize ?? "truncate",
    clean: values.clean ?? false,
    durability: values.durability ?? "crash",
    keep: checkKeep(selection),
    cleanupNodes: values.cleanup_nodes ?? false,
    httpd: values.httpd ?? false,
    daemon: values.daemon ?? false,
    logLevel: values.debug ? "debug" : "info",
    logFormat: values.log_format ?? "text",
  };
}

/** The node secret, and whether dispy's proof of it will do. */
function nodeProofs(
  selection: Selection,
  environment: CliEnvironment,
): Pick<SchedulerConfig, "nodeSecret" | "requireOwnAuth"> {
  const nodeSecret = readSecret("node", selection, environment);
  return { nodeSecret, requireOwnAuth: wantsOwnAuth(selection, nodeSecret, "--node_secret_file") };
}
