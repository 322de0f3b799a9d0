import { type IniEntry, parseIni, renderIniLine } from "./ini.ts";
import {
  longNames,
  type Option,
  optionEntries,
  type OptionName,
  optionNamed,
  type OptionTable,
} from "./options.ts";
import { DISPY_4_10, DISPY_4_14, DISPY_4_15 } from "../net/port_family.ts";
import { DISPY_BASE_PORT } from "./ports.ts";
import { Selection } from "./selection.ts";
import { nearestWord } from "./suggestion.ts";
import { UsageError } from "./usage_error.ts";
import { parseFlag, ValueError } from "./values.ts";

/** The section dispy 4.15 reads and writes. */
const DISPY_SECTION = "DEFAULT";

/** What dispy does not know stands here, where dispy does not look; it wins over `[DEFAULT]`. */
const OWN_SECTION = "dispyscheduler";

/** The options that stand there. */
const OWN_KEYS = [
  "scheduler_port",
  "node_port",
  "node_secret_file",
  "require_own_auth",
  "cluster_secret_file",
  "oversize",
  "memory_budget",
  "disk_budget",
  "max_jobs",
  "result_keep_days",
  "local_cpus",
  "durability",
  "keep",
  "cluster_rules",
  "max_cluster_cpus",
  "max_client_jobs",
  "max_client_bytes",
  "log_format",
] as const satisfies readonly OptionName[];

/** dispy's key for the policy, which has two flags on the command line. */
const POLICY_KEY = "scheduler_alg";
const POLICY_FLAGS: ReadonlyMap<string, OptionName | null> = new Map([
  ["fair_cluster", "fair_cluster_scheduler"],
  ["fcfs_cluster", "early_cluster_scheduler"],
  ["early_cluster", "early_cluster_scheduler"],
  ["job", null],
  ["None", null],
  ["", null],
]);

/** What dispy before 4.13 calls some of its options in its files. */
const OLD_KEYS: ReadonlyMap<string, OptionName> = new Map([
  ["ip_addrs", "ip_addr"],
  ["ext_ip_addrs", "ext_ip_addr"],
]);

/**
 * The keys of ports that have not been moved: dispy writes its defaults, too, and with those all
 * families are served. Up to 4.10 there are three of them.
 */
function unmovedPorts(entries: readonly IniEntry[]): ReadonlySet<string> {
  const values = new Map(entries.map(({ key, value }) => [key, value]));
  const has = (key: string, port: number) => values.get(key) === String(port);
  const unmoved = new Set<string>();
  const { basePort } = DISPY_4_10;
  const old = [["port", basePort], ["node_port", basePort + 1], ["scheduler_port", basePort + 2]];
  if (old.every(([key, port]) => has(key as string, port as number))) {
    for (const [key] of old) unmoved.add(key as string);
  }
  for (const { basePort } of [DISPY_4_14, DISPY_4_15]) {
    if (has("dispy_port", basePort)) unmoved.add("dispy_port");
  }
  return unmoved;
}

/** Takes `['a', 'b']`, `[a, b]` and `a, b` apart. */
function splitList(text: string): string[] {
  return text.replace(/^\[([^]*)\]$/, "$1")
    .split(/[,\n]/)
    .map((item) => item.trim().replace(/^(["'])([^]*)\1$/, "$2"))
    .filter((item) => item !== "");
}

/** Whether a file's value stands for "not given": dispy writes every option, given or not. */
function isAbsent(option: Option, text: string): boolean {
  if (text === "") return true;
  if (option.kind === "flag" || option.kind === "list") return text === "None";
  if (option.secret) return false; // "None" is a secret like any other
  return text === "None" || (option.kind === "value" && option.zeroIsNone === true && +text === 0);
}

/** Reads a configuration file's entries into selections. */
class ConfigReader {
  readonly #table: OptionTable;
  readonly #path: string;
  readonly #keys: Map<string, OptionName>;

  constructor(table: OptionTable, path: string) {
    this.#table = table;
    this.#path = path;
    this.#keys = longNames(table);
    for (const [name, option] of optionEntries(table)) {
      if (option.commandLineOnly) this.#keys.delete(name);
      else if (option.dispyKey !== undefined) this.#keys.set(option.dispyKey, name);
    }
    for (const [key, name] of OLD_KEYS) this.#keys.set(key, name);
  }

  readSection(entries: readonly IniEntry[]): Selection {
    const selection = new Selection(this.#table);
    const unmoved = unmovedPorts(entries);
    for (const entry of entries) {
      if (unmoved.has(entry.key)) continue;
      const origin = `${this.#path}, line ${entry.line}, ${entry.key}`;
      if (entry.key === POLICY_KEY) this.#readPolicy(entry, origin, selection);
      else this.#readOption(entry, origin, selection);
    }
    return selection;
  }

  #readPolicy(entry: IniEntry, origin: string, selection: Selection): void {
    const flag = POLICY_FLAGS.get(entry.value);
    if (flag === undefined) {
      throw new UsageError(
        `${origin}: ${JSON.stringify(entry.value)} is not one of fair_cluster, fcfs_cluster, None`,
      );
    }
    if (flag !== null) selection.giveFlag(flag, origin);
  }

  #readOption(entry: IniEntry, origin: string, selection: Selection): void {
    const name = this.#keys.get(entry.key);
    if (name === undefined) {
      if (longNames(this.#table).has(entry.key)) {
        throw new UsageError(`${origin}: works on the command line only; remove the line`);
      }
      const nearest = nearestWord(entry.key, [...this.#keys.keys(), POLICY_KEY]);
      throw new UsageError(
        `${origin}: unknown option; ` +
          (nearest === undefined ? "--help lists all options" : `did you mean ${nearest}?`),
      );
    }
    const option = optionNamed(this.#table, name);
    if (isAbsent(option, entry.value)) return;
    if (option.kind === "flag") {
      try {
        if (parseFlag(entry.value)) selection.giveFlag(name, origin);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        throw new UsageError(`${origin}: ${JSON.stringify(entry.value)} is not ${error.message}`);
      }
    } else if (option.kind === "list") {
      if (selection.has(name)) throw new UsageError(`${origin}: given twice under different names`);
      for (const item of splitList(entry.value)) selection.giveValue(name, item, origin);
    } else {
      selection.giveValue(name, entry.value, origin);
    }
  }
}

/**
 * Reads a configuration file: one that dispy 4.15 or {@linkcode renderConfigFile} wrote, or one
 * written by hand with any long option names as keys.
 *
 * @param text The file's content.
 * @param path The file's name for messages.
 * @param table The options there are.
 * @returns What the file gives.
 * @throws {UsageError} At the first mistake; the message names file, line and key.
 */
export function readConfigFile(text: string, path: string, table: OptionTable): Selection {
  const entries = parseIni(text, path);
  const stranger = entries.find(({ section }) => ![DISPY_SECTION, OWN_SECTION].includes(section));
  if (stranger !== undefined) {
    throw new UsageError(
      `${path}, line ${stranger.line}, ${stranger.key}: stands in section ` +
        `${
          JSON.stringify(stranger.section)
        }; options stand in [${DISPY_SECTION}] or [${OWN_SECTION}]`,
    );
  }
  const reader = new ConfigReader(table, path);
  const inSection = (name: string) =>
    reader.readSection(entries.filter(({ section }) => section === name));
  return inSection(OWN_SECTION).over(inSection(DISPY_SECTION));
}

/** Python's spelling. */
function flagText(given: boolean | undefined): string {
  return given ? "True" : "False";
}

/** `[a, b]` without quotes: dispy 4.15 keeps the quotes it writes as part of the host names. */
function listText(items: readonly string[] | undefined): string {
  return `[${(items ?? []).join(", ")}]`;
}

function scaled(valueMs: number | undefined, unitMs: number, absent: number): string {
  return String(valueMs === undefined ? absent : valueMs / unitMs);
}

/**
 * Writes options as a configuration file, for {@linkcode readConfigFile} and for dispy 4.15: the
 * section `[DEFAULT]` has exactly the keys which dispy expects.
 *
 * @param selection The options.
 * @returns The file's content.
 * @throws {UsageError} When a value cannot stand in such a file.
 */
export function renderConfigFile(selection: Selection): string {
  const values = selection.values;
  const line = (name: OptionName, key: string, value: string): string => {
    const rendered = renderIniLine(key, value);
    if (rendered !== undefined) return rendered;
    throw new UsageError(
      `${selection.origin(name)}: cannot be saved: a configuration file holds neither control ` +
        "characters nor white space around a value",
    );
  };
  const policy = values.fair_cluster_scheduler
    ? "fair_cluster"
    : values.early_cluster_scheduler
    ? "fcfs_cluster"
    : "None";
  const lines = [
    `[${DISPY_SECTION}]`,
    line("debug", "loglevel", flagText(values.debug)),
    line("nodes", "nodes", listText(values.nodes)),
    line("ip_addr", "hosts", listText(values.ip_addr)),
    line("ext_ip_addr", "ext_hosts", listText(values.ext_ip_addr)),
    line("port", "dispy_port", String(values.port ?? DISPY_BASE_PORT)),
    line("ipv4_udp_multicast", "ipv4_udp_multicast", flagText(values.ipv4_udp_multicast)),
    line("node_secret", "node_secret", values.node_secret ?? ""),
    line("node_keyfile", "node_keyfile", values.node_keyfile ?? ""),
    line("node_certfile", "node_certfile", values.node_certfile ?? ""),
    line("cluster_secret", "cluster_secret", values.cluster_secret ?? ""),
    line("cluster_certfile", "cluster_certfile", values.cluster_certfile ?? ""),
    line("cluster_keyfile", "cluster_keyfile", values.cluster_keyfile ?? ""),
    line("pulse_interval", "pulse_interval", scaled(values.pulse_interval, 1000, 0)),
    line("ping_interval", "ping_interval", scaled(values.ping_interval, 1000, 0)),
    line("zombie_interval", "zombie_interval", scaled(values.zombie_interval, 60_000, 60)),
    line("msg_timeout", "msg_timeout", scaled(values.msg_timeout, 1000, 5)),
    line("dest_path_prefix", "dest_path_prefix", values.dest_path_prefix ?? "None"),
    line("max_file_size", "max_file_size", String(values.max_file_size ?? 0)),
    line("clean", "clean", flagText(values.clean)),
    line("httpd", "http_server", flagText(values.httpd)),
    line("fair_cluster_scheduler", POLICY_KEY, policy),
    line("cooperative", "cooperative", flagText(values.cooperative)),
    line("cleanup_nodes", "cleanup_nodes", flagText(values.cleanup_nodes)),
    line("daemon", "daemon", flagText(values.daemon)),
    "",
    `[${OWN_SECTION}]`,
  ];
  if (values.port === DISPY_BASE_PORT || values.port === DISPY_4_14.basePort) {
    lines.push(line("port", "port", String(values.port)));
  }
  for (const name of OWN_KEYS) {
    const value = values[name];
    if (value !== undefined) lines.push(line(name, name, String(value)));
  }
  return lines.join("\n") + "\n";
}
