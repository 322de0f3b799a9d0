/**
 * The one table of options. The command line, `--help`, the configuration file and the README's
 * table are all read from it, so they cannot disagree.
 *
 * Names come from the dispyscheduler manual and from dispy 4.15, which renamed some; both work.
 *
 * @module
 */
import {
  asIs,
  flag,
  type FlagOption,
  list,
  type ListOption,
  type Option,
  value,
  type ValueOption,
} from "./option_kinds.ts";
import { MEMORY_OPTIONS } from "./memory_options.ts";
import {
  parseBasePort,
  parseCount,
  parseHost,
  parseMessageTimeout,
  parseNode,
  parsePath,
  parsePingInterval,
  parsePort,
  parsePulseInterval,
  parseSize,
  parseWord,
  parseZombieInterval,
} from "./values.ts";

export * from "./option_kinds.ts";

/** Every option, under the name by which messages call it; in the order in which help lists them. */
export const OPTIONS = {
  nodes: list({
    aliases: ["node"],
    short: "n",
    group: "Network",
    placeholder: "HOST",
    defaultText: "the nodes that discovery finds",
    parse: parseNode,
    help: "A node to greet at the start: host name or IP address, or an address with * such as " +
      "10.0.0.*. Needed for nodes outside the local network. Repeat it for each node.",
  }),
  ip_addr: list({
    aliases: ["host"],
    dispyKey: "hosts",
    short: "i",
    group: "Network",
    placeholder: "HOST",
    defaultText: "all interfaces",
    parse: parseHost,
    help: "Address of this machine to use for communication. Repeat it for each interface.",
  }),
  ext_ip_addr: list({
    aliases: ["ext_host"],
    dispyKey: "ext_hosts",
    group: "Network",
    placeholder: "HOST",
    defaultText: "",
    parse: parseHost,
    help: "Address to announce as well as --ip_addr, when a NAT firewall forwards it to this " +
      "machine. Repeat it in the order of --ip_addr.",
  }),
  port: value({
    short: "p",
    dispyKey: "dispy_port",
    group: "Network",
    placeholder: "PORT",
    defaultText: "51347, 61590 and 9700, all served",
    parse: parseBasePort,
    help: "First port of the one family to use: PORT for messages from nodes (UDP and TCP), " +
      "PORT+1 where nodes listen, PORT+2 for clients. Without it all families are served: " +
      "51347 to 51349 (dispy up to 4.10), 61590 to 61592 (4.11 to 4.14) and 9700 to 9702 (from 4.15).",
  }),
  scheduler_port: value({
    group: "Network",
    placeholder: "PORT",
    defaultText: "--port + 2",
    parse: (text) => parsePort(text),
    help: "Port for clients, in place of PORT+2. Without --port: the one client port of all " +
      "families.",
  }),
  node_port: value({
    group: "Network",
    placeholder: "PORT",
    defaultText: "--port + 1",
    parse: (text) => parsePort(text),
    help: "Port where nodes listen, in place of PORT+1. Without --port: the one node port of all " +
      "families.",
  }),
  ipv4_udp_multicast: flag({
    group: "Network",
    help: "Find nodes by IPv4 multicast instead of broadcast; for nodes started with the same " +
      "option.",
  }),
  node_secret: value({
    group: "Security",
    placeholder: "TEXT",
    defaultText: "none",
    parse: asIs,
    secret: true,
    help: "Secret shared with the nodes: only nodes started with it are used. Everybody on this " +
      "machine can read it with ps; --node_secret_file keeps it to itself.",
  }),
  node_secret_file: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "DISPYSCHEDULER_NODE_SECRET in the environment, if that may be read",
    parse: parsePath,
    help: "File whose first line is the secret shared with the nodes.",
  }),
  require_own_auth: flag({
    group: "Security",
    help:
      "Use only nodes of this program that prove the node secret in its own way: dispy's proof " +
      "of a secret can be had by greeting any node that has it. Needs a node secret.",
  }),
  cluster_secret: value({
    group: "Security",
    placeholder: "TEXT",
    defaultText: "none",
    parse: asIs,
    secret: true,
    help: "Secret shared with the clients: only clients that know it are served. Everybody on " +
      "this machine can read it with ps; --cluster_secret_file keeps it to itself.",
  }),
  cluster_secret_file: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "DISPYSCHEDULER_CLUSTER_SECRET in the environment, if that may be read",
    parse: parsePath,
    help: "File whose first line is the secret shared with the clients.",
  }),
  node_certfile: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "no TLS",
    parse: parsePath,
    help: "Certificate (PEM) for TLS with nodes; the same file as --certfile of dispynode.",
  }),
  node_keyfile: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "the key in --node_certfile",
    parse: parsePath,
    help: "Private key (PEM, unencrypted) of --node_certfile.",
  }),
  cluster_certfile: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "no TLS",
    parse: parsePath,
    help: "Certificate (PEM) for TLS with clients; the same file as certfile of SharedJobCluster.",
  }),
  cluster_keyfile: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "the key in --cluster_certfile",
    parse: parsePath,
    help: "Private key (PEM, unencrypted) of --cluster_certfile.",
  }),
  fair_cluster_scheduler: flag({
    group: "Scheduling",
    help: "Next job from the cluster that was served the longest time ago, instead of the job " +
      "that waits longest.",
  }),
  early_cluster_scheduler: flag({
    group: "Scheduling",
    help: "Next job from the cluster that was created first, instead of the job that waits " +
      "longest.",
  }),
  cluster_rules: value({
    group: "Scheduling",
    placeholder: "FILE",
    defaultText: "none",
    parse: parsePath,
    help: "TOML file that gives clusters priority, weight and limits by computation and client.",
  }),
  max_cluster_cpus: value({
    group: "Scheduling",
    placeholder: "N",
    defaultText: "no limit",
    parse: parseCount,
    help: "Most CPUs that a cluster uses at a time, where no rule says otherwise.",
  }),
  max_client_jobs: value({
    group: "Scheduling",
    placeholder: "N",
    defaultText: "no limit",
    parse: parseCount,
    help: "Most jobs that a client may have waiting or running, where no rule says otherwise.",
  }),
  max_client_bytes: value({
    group: "Scheduling",
    placeholder: "SIZE",
    defaultText: "0, no limit",
    parse: parseSize,
    help: "Most memory for the arguments of a client's jobs, where no rule says otherwise: a " +
      "number, with k, m, g or t behind it for larger units.",
  }),
  local_cpus: value({
    group: "Scheduling",
    placeholder: "N",
    defaultText: "no node here",
    parse: parseCount,
    help: "Run a node on this machine too, with N CPUs: for one machine alone, and to try things " +
      "out. It ends with the scheduler.",
  }),
  cooperative: flag({
    group: "Scheduling",
    help: "Let clients change how many CPUs of a node are used.",
  }),
  pulse_interval: value({
    group: "Scheduling",
    placeholder: "SECONDS",
    defaultText: "",
    parse: parsePulseInterval,
    zeroIsNone: true,
    help: "How often nodes send a sign of life (1 to 600); a node silent for 5 times as long is " +
      "given up and its jobs are run elsewhere if they are reentrant.",
  }),
  ping_interval: value({
    group: "Scheduling",
    placeholder: "SECONDS",
    defaultText: "only at the start",
    parse: parsePingInterval,
    zeroIsNone: true,
    help: "How often to look for nodes that missed earlier pings (1 to 1000).",
  }),
  zombie_interval: value({
    group: "Scheduling",
    placeholder: "MINUTES",
    defaultText: "60",
    parse: parseZombieInterval,
    help: "How long a client may be silent until it is given up (at least 1; 0 is never).",
  }),
  msg_timeout: value({
    group: "Scheduling",
    placeholder: "SECONDS",
    defaultText: "5",
    parse: parseMessageTimeout,
    help:
      "Time limit for sending or receiving a message; raise it for slow networks. (dispy from " +
      "4.11 on has 10.)",
  }),
  dest_path_prefix: value({
    group: "Files",
    placeholder: "DIR",
    defaultText: "~/.local/state/dispyscheduler",
    parse: parsePath,
    help: "Directory for the state: jobs, results not yet delivered, files of clients.",
  }),
  ...MEMORY_OPTIONS,
  max_file_size: value({
    group: "Files",
    placeholder: "SIZE",
    defaultText: "0, no limit",
    parse: parseSize,
    help: "Largest file to take from a client: a number, with k, m, g or t behind it for larger " +
      "units.",
  }),
  oversize: value({
    group: "Files",
    placeholder: "truncate|refuse",
    defaultText: "truncate",
    parse: parseWord("truncate", "refuse"),
    help: "What becomes of a file beyond --max_file_size: its beginning is kept, or it is not " +
      "taken and its client is told.",
  }),
  clean: flag({
    group: "Files",
    help: "Remove what earlier runs have saved, once at the start.",
  }),
  durability: value({
    group: "Files",
    placeholder: "off|crash|power",
    defaultText: "crash",
    parse: parseWord("off", "crash", "power"),
    help: "What a later start knows of computations, jobs and results: nothing; all, unless the " +
      "power fails; all, as nothing is acknowledged before the disk has it.",
  }),
  keep: flag({
    group: "Files",
    help: "When asked to end, always leave everything as it is for the next start, which goes on " +
      "with it. Else only SIGTERM does so, and only with --daemon or without a terminal; " +
      "otherwise clients are told that their jobs will not run.",
  }),
  cleanup_nodes: flag({
    group: "Files",
    help: "Let nodes always remove a computation's files, even if its client asked to keep them.",
  }),
  httpd: flag({
    dispyKey: "http_server",
    group: "Program",
    availability: "not available yet",
    help: "Serve a web page which shows clusters and nodes.",
  }),
  daemon: flag({
    group: "Program",
    help: "Do not read commands from the terminal, and go on when it is closed.",
  }),
  debug: flag({
    short: "d",
    dispyKey: "loglevel",
    group: "Program",
    help: "Log debug messages too.",
  }),
  log_format: value({
    group: "Program",
    placeholder: "text|json",
    defaultText: "text",
    parse: parseWord("text", "json"),
    help: "Log lines for people, or one JSON object a line.",
  }),
  config: value({
    group: "Program",
    placeholder: "FILE",
    defaultText: "",
    parse: parsePath,
    commandLineOnly: true,
    help: "Read options from FILE, written by --save_config (dispy's own as well). What the " +
      "command line says wins.",
  }),
  save_config: value({
    group: "Program",
    placeholder: "FILE",
    defaultText: "",
    parse: parsePath,
    commandLineOnly: true,
    help: "Write the options into FILE, readable by its owner only (it holds the secrets), and " +
      "exit.",
  }),
  version: flag({
    group: "Program",
    commandLineOnly: true,
    help: "Show the version and exit.",
  }),
  help: flag({
    short: "h",
    group: "Program",
    commandLineOnly: true,
    help: "Show this text and exit.",
  }),
};

/** The table's type. */
export type OptionTable = typeof OPTIONS;

/** Any command's table of options: main names, and what they stand for. */
export type AnyTable = Readonly<Record<string, Option>>;

/** The main name of an option. */
export type OptionName<Table extends AnyTable = OptionTable> = keyof Table & string;

type ParsedValue<Given> = Given extends ListOption<infer Value> ? Value[]
  : Given extends ValueOption<infer Value> ? Value
  : Given extends FlagOption ? boolean
  : never;

/** The options that were given, read. A secret or path keeps its text. */
export type OptionValues<Table extends AnyTable = OptionTable> = {
  [Name in OptionName<Table>]?: ParsedValue<Table[Name]>;
};

/**
 * Looks an option up.
 *
 * @param table The options.
 * @param name Its main name.
 * @returns The option, as the union of all kinds.
 */
export function optionNamed<Table extends AnyTable>(table: Table, name: OptionName<Table>): Option {
  return table[name]!;
}

/**
 * Lists all options.
 *
 * @param table The options.
 * @returns Main names and options, in the table's order.
 */
export function optionEntries<Table extends AnyTable>(
  table: Table,
): [OptionName<Table>, Option][] {
  return Object.entries(table) as [OptionName<Table>, Option][];
}

/**
 * Lists every long name that leads to an option.
 *
 * @param table The options.
 * @returns Long names (with underscores, without `--`) and the main name each stands for.
 */
export function longNames<Table extends AnyTable>(table: Table): Map<string, OptionName<Table>> {
  const names = new Map<string, OptionName<Table>>();
  for (const [name, option] of optionEntries(table)) {
    names.set(name, name);
    for (const alias of option.aliases ?? []) names.set(alias, name);
  }
  return names;
}
