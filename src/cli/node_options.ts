/**
 * The options of `dispyscheduler node`: names and meanings are dispynode's where it has them.
 *
 * @module
 */

import { parseCpus, parseDuration, parseServe, parseTimeOfDay } from "./node_values.ts";
import { type AnyTable, asIs, flag, list, OPTIONS, value } from "./options.ts";
import {
  parseBasePort,
  parseHost,
  parseMessageTimeout,
  parsePath,
  parsePingInterval,
  parseSize,
  parseZombieInterval,
} from "./values.ts";

/** Every option of the node, in the order in which help lists them. */
export const NODE_OPTIONS = {
  cpus: value({
    short: "c",
    group: "Jobs",
    placeholder: "N",
    defaultText: "all of this machine",
    parse: parseCpus,
    help: "CPUs to offer, one job each; -1 is all but one.",
  }),
  setup_timeout: value({
    group: "Jobs",
    placeholder: "SECONDS",
    defaultText: "600",
    parse: parseDuration,
    help: "How long the setup function of a computation may run; the node is of no use to one " +
      "that takes longer (0: no limit).",
  }),
  job_timeout: value({
    group: "Jobs",
    placeholder: "SECONDS",
    defaultText: "0, no limit",
    parse: parseDuration,
    help: "How long a job may run; one that takes longer is ended, with its children, and its " +
      "client is told so.",
  }),
  job_memory: value({
    group: "Jobs",
    placeholder: "SIZE",
    defaultText: "0, no limit",
    parse: parseSize,
    help: "Memory that a job may hold, its children included: a number, with k, m, g or t behind " +
      "it for larger units. One that holds more is ended and its client is told so.",
  }),
  python: value({
    group: "Jobs",
    placeholder: "PROGRAM",
    defaultText: "python3",
    parse: parsePath,
    help: "The Python that runs Python functions; it needs no dispy.",
  }),
  allow: list({
    group: "Jobs",
    placeholder: "PERMISSION",
    defaultText: "reading and writing in the computation's folder",
    parse: asIs,
    help: "What TypeScript functions may do besides, in words of Deno: net, net=example.com:443, " +
      "read=/data, all. Repeat it for each. Programs and Python may do all that the node may.",
  }),
  job_user: value({
    group: "Jobs",
    placeholder: "USER",
    defaultText: "the user that runs the node",
    parse: asIs,
    help: "User to run all jobs as, for a node that runs as root (Linux): they can do what that " +
      "user can, and neither end the node nor read what is its own.",
  }),
  no_namespace: flag({
    group: "Jobs",
    help: "Do not run functions in PID namespaces of their own, in which they see no other " +
      "processes: for jobs that need to. Without it they do where the machine allows it.",
  }),
  name: value({
    group: "Network",
    placeholder: "NAME",
    defaultText: "this machine's host name",
    parse: asIs,
    help: "Name of the node, which clients can choose it by.",
  }),
  host: list({
    aliases: ["ip_addr"],
    short: "i",
    group: "Network",
    placeholder: "HOST",
    defaultText: "all interfaces",
    parse: parseHost,
    help: "Address of this machine to use for communication. Repeat it for each interface.",
  }),
  ext_host: list({
    aliases: ["ext_ip_addr"],
    group: "Network",
    placeholder: "HOST",
    defaultText: "",
    parse: parseHost,
    help: "Address to announce instead of --host, when a NAT firewall forwards it to this " +
      "machine. Repeat it in the order of --host.",
  }),
  scheduler_host: value({
    group: "Network",
    placeholder: "HOST",
    defaultText: "the schedulers that discovery finds",
    parse: parseHost,
    help: "A scheduler, or a client with a JobCluster, to greet at the start. Needed where it is " +
      "outside the local network and does not know of this node.",
  }),
  port: value({
    aliases: ["dispy_port"],
    short: "p",
    group: "Network",
    placeholder: "PORT",
    defaultText: "9700",
    parse: parseBasePort,
    help: "First port of the family: the node listens at PORT+1 (UDP and TCP), its schedulers at " +
      "PORT.",
  }),
  ipv4_udp_multicast: flag({
    group: "Network",
    help: "Find schedulers by IPv4 multicast instead of broadcast; for schedulers started with " +
      "the same option.",
  }),
  ping_interval: value({
    group: "Network",
    placeholder: "SECONDS",
    defaultText: "only at the start and when free again",
    parse: parsePingInterval,
    zeroIsNone: true,
    help: "How often to look for schedulers while none uses the node (1 to 1000).",
  }),
  msg_timeout: value({
    group: "Network",
    placeholder: "SECONDS",
    defaultText: "5",
    parse: parseMessageTimeout,
    help: "Time limit for sending or receiving a message; raise it for slow networks.",
  }),
  node_secret: value({
    aliases: ["secret"],
    short: "s",
    group: "Security",
    placeholder: "TEXT",
    defaultText: "none",
    parse: asIs,
    secret: true,
    help: "Secret shared with the schedulers: only those that know it are served. Everybody on " +
      "this machine can read it with ps; --secret_file keeps it to itself.",
  }),
  node_secret_file: value({
    aliases: ["secret_file"],
    group: "Security",
    placeholder: "FILE",
    defaultText: "DISPYSCHEDULER_NODE_SECRET in the environment",
    parse: parsePath,
    help: "File whose first line is the secret shared with the schedulers.",
  }),
  require_own_auth: flag({
    group: "Security",
    help: "Serve only schedulers of this program that prove the secret in its own way: dispy's " +
      "proof of a secret can be had by greeting any node that has it. Needs a secret.",
  }),
  secret_on_stdin: flag({
    group: "Security",
    help: "The secret is the first line of standard input, where neither files nor the process " +
      "show it.",
  }),
  certfile: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "no TLS",
    parse: parsePath,
    help: "Certificate (PEM) for TLS with schedulers; the same file as their --node_certfile.",
  }),
  keyfile: value({
    group: "Security",
    placeholder: "FILE",
    defaultText: "the key in --certfile",
    parse: parsePath,
    help: "Private key (PEM, unencrypted) of --certfile.",
  }),
  serve: value({
    group: "Service",
    placeholder: "N",
    defaultText: "-1, no limit",
    parse: parseServe,
    help: "Computations to serve before the node ends; 0 with --clean just removes what earlier " +
      "runs have left.",
  }),
  service_start: value({
    group: "Service",
    placeholder: "HH:MM",
    defaultText: "now",
    parse: parseTimeOfDay,
    help: "Time of day from which on the node serves, every day.",
  }),
  service_stop: value({
    group: "Service",
    placeholder: "HH:MM",
    defaultText: "never",
    parse: parseTimeOfDay,
    help: "Time of day from which on no more jobs are taken; those that run go on.",
  }),
  service_end: value({
    group: "Service",
    placeholder: "HH:MM",
    defaultText: "never",
    parse: parseTimeOfDay,
    help: "Time of day when jobs that still run are ended.",
  }),
  zombie_interval: value({
    group: "Service",
    placeholder: "MINUTES",
    defaultText: "60",
    parse: parseZombieInterval,
    help: "How long a scheduler may be silent until its computations without running jobs are " +
      "closed (at least 1; 0 is never).",
  }),
  dest_path_prefix: value({
    group: "Files",
    placeholder: "DIR",
    defaultText: "the directory for temporary files",
    parse: parsePath,
    help: "Directory below which files of computations are kept, in dispy/node.",
  }),
  max_file_size: value({
    group: "Files",
    placeholder: "SIZE",
    defaultText: "0, no limit",
    parse: parseSize,
    help: "Largest file to take or to send: a number, with k, m, g or t behind it for larger " +
      "units.",
  }),
  force_cleanup: flag({
    group: "Files",
    help: "Always remove a computation's files in the end, even if its client asked to keep them.",
  }),
  clean: flag({
    group: "Files",
    help: "Remove what earlier runs have left, results that nobody fetched included, once at the " +
      "start.",
  }),
  ends_with_stdin: flag({
    group: "Program",
    help: "End when standard input is closed: with whoever has started the node.",
  }),
  daemon: flag({
    group: "Program",
    help:
      "Go on when the terminal is closed that it was started in. (Commands, as dispynode reads " +
      "them from there, it never reads.)",
  }),
  debug: OPTIONS.debug,
  log_format: OPTIONS.log_format,
  version: OPTIONS.version,
  help: OPTIONS.help,
} satisfies AnyTable;
