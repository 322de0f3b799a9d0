import { assertEquals } from "@std/assert/equals.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { type CliOutcome, parseCommandLine } from "../../../src/cli/command_line.ts";
import { OPTIONS, type OptionTable } from "../../../src/cli/options.ts";
import type { SchedulerConfig } from "../../../src/cli/scheduler_config.ts";
import { ValueError } from "../../../src/cli/values.ts";
import { ALL_AVAILABLE, FakeEnvironment } from "./fake_environment.ts";

const SPEC_FAMILY = { nodeSide: 51347, node: 51348, clientSide: 51349 };
const MIDDLE_FAMILY = { nodeSide: 61590, node: 61591, clientSide: 61592 };
const DISPY_FAMILY = { nodeSide: 9700, node: 9701, clientSide: 9702 };

const DEFAULTS: SchedulerConfig = {
  nodes: [],
  hosts: [],
  extHosts: [],
  ports: { kind: "all", families: [SPEC_FAMILY, MIDDLE_FAMILY, DISPY_FAMILY] },
  ipv4UdpMulticast: false,
  nodeSecret: "",
  requireOwnAuth: false,
  clusterSecret: "",
  nodeTls: null,
  clusterTls: null,
  policy: "job",
  cooperative: false,
  clusterRules: [],
  zombieIntervalMs: 3_600_000,
  msgTimeoutMs: 5000,
  memoryBudgetBytes: 512 * 1024 ** 2,
  diskBudgetBytes: 16 * 1024 ** 3,
  maxJobs: 1_000_000,
  resultKeepMs: 30 * 24 * 60 * 60_000,
  maxFileSizeBytes: 0,
  oversize: "truncate",
  clean: false,
  durability: "crash",
  keep: false,
  cleanupNodes: false,
  httpd: false,
  daemon: false,
  logLevel: "info",
  logFormat: "text",
};

function parse(...args: string[]): CliOutcome {
  return parseCommandLine(args, new FakeEnvironment(), ALL_AVAILABLE);
}

/** Arguments, and how the configuration differs from the defaults. */
const ACCEPTED: [string, Partial<SchedulerConfig>][] = [
  ["", {}],
  ["-d", { logLevel: "debug" }],
  ["--debug", { logLevel: "debug" }],
  ["-d -d", { logLevel: "debug" }],
  ["-n n1 -n n2", { nodes: ["n1", "n2"] }],
  ["-nn1 -n=n2", { nodes: ["n1", "n2"] }],
  ["--nodes n1 --node n2 --nodes=n3", { nodes: ["n1", "n2", "n3"] }],
  ["-n n1 -n n1", { nodes: ["n1"] }],
  ["-n * -n 10.0.0.* -n fe80:*", { nodes: ["*", "10.0.0.*", "fe80:*"] }],
  ["-dn n1", { logLevel: "debug", nodes: ["n1"] }],
  ["-dnn1", { logLevel: "debug", nodes: ["n1"] }],
  ["-i 10.0.0.1 --host=::1", { hosts: ["10.0.0.1", "::1"] }],
  ["--ip_addr my-host.example.org", { hosts: ["my-host.example.org"] }],
  ["--ip-addr 10.0.0.1 --ext-ip-addr a.b.c.d", { hosts: ["10.0.0.1"], extHosts: ["a.b.c.d"] }],
  ["--ext_host 203.0.113.7", { extHosts: ["203.0.113.7"] }],
  ["-p 9700", { ports: { kind: "one", families: [DISPY_FAMILY] } }],
  ["--port=51347", { ports: { kind: "one", families: [SPEC_FAMILY] } }],
  ["-p 65533", {
    ports: { kind: "one", families: [{ nodeSide: 65533, node: 65534, clientSide: 65535 }] },
  }],
  ["-p 1000 --scheduler_port 7 --node_port 8", {
    ports: { kind: "one", families: [{ nodeSide: 1000, node: 8, clientSide: 7 }] },
  }],
  ["--scheduler_port 7", {
    ports: {
      kind: "all",
      families: [SPEC_FAMILY, MIDDLE_FAMILY, DISPY_FAMILY].map((each) => ({
        ...each,
        clientSide: 7,
      })),
    },
  }],
  ["--node_port 65535", {
    ports: {
      kind: "all",
      families: [SPEC_FAMILY, MIDDLE_FAMILY, DISPY_FAMILY].map((each) => ({
        ...each,
        node: 65535,
      })),
    },
  }],
  ["--node_secret a --cluster-secret=-b", { nodeSecret: "a", clusterSecret: "-b" }],
  ["--cluster_secret=a=b", { clusterSecret: "a=b" }],
  ["--httpd", { httpd: true }],
  ["--pulse_interval 1", { pulseIntervalMs: 1000 }],
  ["--pulse_interval 600", { pulseIntervalMs: 600_000 }],
  ["--pul 2.5", { pulseIntervalMs: 2500 }],
  ["--ping_interval 1", { pingIntervalMs: 1000 }],
  ["--ping-interval=1000", { pingIntervalMs: 1_000_000 }],
  ["--zombie_interval 1", { zombieIntervalMs: 60_000 }],
  ["--zombie_interval 1.5", { zombieIntervalMs: 90_000 }],
  ["--msg_timeout 0.5", { msgTimeoutMs: 500 }],
  ["--max_file_size 0", { maxFileSizeBytes: 0 }],
  ["--max_file_size 500", { maxFileSizeBytes: 500 }],
  ["--max_file_size 3k", { maxFileSizeBytes: 3072 }],
  ["--max_file_size 10M", { maxFileSizeBytes: 10 * 1024 ** 2 }],
  ["--max_file_size 2G", { maxFileSizeBytes: 2 * 1024 ** 3 }],
  ["--max_file_size 1t", { maxFileSizeBytes: 1024 ** 4 }],
  ["--clean --cleanup_nodes", { clean: true, cleanupNodes: true }],
  ["--clean", { clean: true }],
  ["--cooperative --daemon", { cooperative: true, daemon: true }],
  ["--dest_path_prefix /var/lib/x", { destPathPrefix: "/var/lib/x" }],
  ["--fair_cluster_scheduler", { policy: "fair_cluster" }],
  ["--early", { policy: "early_cluster" }],
  ["--ipv4_udp_multicast", { ipv4UdpMulticast: true }],
  ["--log_format JSON", { logFormat: "json" }],
  ["--oversize refuse", { oversize: "refuse" }],
  ["--oversize=Truncate", { oversize: "truncate" }],
  ["--ext 10.0.0.1", { extHosts: ["10.0.0.1"] }],
  ["--", {}],
];

for (const [line, changes] of ACCEPTED) {
  Deno.test(`accepted: ${line || "no arguments"}`, () => {
    const outcome = parse(...line.split(" ").filter((arg) => arg !== ""));
    assertEquals(outcome, { kind: "run", config: { ...DEFAULTS, ...changes }, warnings: [] });
  });
}

Deno.test("accepted: --zombie_interval 0 stands for never", () => {
  const { zombieIntervalMs: _, ...never } = DEFAULTS;
  assertEquals(parse("--zombie_interval", "0"), { kind: "run", config: never, warnings: [] });
});

Deno.test("accepted: values with spaces, empty secrets and a lone dash", () => {
  const outcome = parse("--node_secret", "-two words", "--cluster_secret", "");
  assertEquals(outcome, {
    kind: "run",
    config: { ...DEFAULTS, nodeSecret: "-two words" },
    warnings: [],
  });
  assertEquals(parse("--node_secret", "-"), {
    kind: "run",
    config: { ...DEFAULTS, nodeSecret: "-" },
    warnings: [],
  });
});

const PORT_RULE = "is not a port: give a whole number from 1 to 65535";
const BASE_PORT_RULE = "is not a port for this: give a whole number from 1 to 65533 " +
  "(the two ports above it are used too)";
const HOST_RULE =
  "is not a host name or an IP address, such as 10.0.0.5 (for several, repeat the option)";
const NODE_RULE = "is not a host name, an IP address or an address with *, such as 10.0.0.5 or " +
  "10.0.0.* (for several, repeat the option)";
const SIZE_RULE = "is not a size: give a whole number with at most one letter of k, m, g, t " +
  "behind it, such as 10m (0 is no limit)";
const MINUTES_RULE = "is not a number of minutes: give 0 (never) or 1 to 30000";

/** Arguments, and the one line on stderr (after the program's name). */
const REFUSED: [string[], string][] = [
  [["-p", "0"], `-p: "0" ${BASE_PORT_RULE}`],
  [["-p", "65534"], `-p: "65534" ${BASE_PORT_RULE}`],
  [["--port", "-1"], `--port: "-1" ${BASE_PORT_RULE}`],
  [["--port=9700.5"], `--port: "9700.5" ${BASE_PORT_RULE}`],
  [["--port="], `--port: "" ${BASE_PORT_RULE}`],
  [["--scheduler_port", "65536"], `--scheduler_port: "65536" ${PORT_RULE}`],
  [["--node-port", "0x10"], `--node_port: "0x10" ${PORT_RULE}`],
  [["--sched", "no"], `--scheduler_port: "no" ${PORT_RULE}`],
  [
    ["-p", "7000", "--scheduler_port", "7000"],
    "--scheduler_port: 7000 is already the port for nodes; give another one for clients",
  ],
  [
    ["--scheduler_port", "51347"],
    "--scheduler_port: 51347 is already the port for nodes; give another one for clients",
  ],
  [["-i", "10.0.0.300"], `-i: "10.0.0.300" ${HOST_RULE}`],
  [["-i", "10.0.0.*"], `-i: "10.0.0.*" ${HOST_RULE}`],
  [["--host", ""], `--host: "" ${HOST_RULE}`],
  [["--ext_ip_addr", "a b"], `--ext_ip_addr: "a b" ${HOST_RULE}`],
  [["-n", "a,b"], `-n: "a,b" ${NODE_RULE}`],
  [["-n", "node-*"], `-n: "node-*" ${NODE_RULE}`],
  [["--node", "10.0.0"], `--node: "10.0.0" ${NODE_RULE}`],
  [["-n", "a\nb"], `-n: "a\\nb" ${NODE_RULE}`],
  [["-n", "a".repeat(64)], `-n: "${"a".repeat(64)}" ${NODE_RULE}`],
  [
    ["-i", "10.0.0.1", "-i", "10.0.0.1"],
    '-i: "10.0.0.1" is given twice; give it once',
  ],
  [
    ["--ext_host", "10.0.0.1", "--ext_host", "10.0.0.2"],
    "--ext_host: 2 external addresses, but 0 given with --ip_addr; give one --ip_addr for each",
  ],
  ...["0", "0.5", "601", "1e9", "nan", "inf", "5s", ""].map((text): [string[], string] => [
    ["--pulse_interval", text],
    `--pulse_interval: ${JSON.stringify(text)} is not a number of seconds from 1 to 600`,
  ]),
  ...["0", "0.9", "1001", "-5"].map((text): [string[], string] => [
    ["--ping_interval", text],
    `--ping_interval: "${text}" is not a number of seconds from 1 to 1000`,
  ]),
  ...["0", "-1", "86401", "x"].map((text): [string[], string] => [
    ["--msg_timeout", text],
    `--msg_timeout: "${text}" is not a number of seconds from 0.001 to 86400 (a day)`,
  ]),
  ...["0.5", "-1", "30001", "an hour"].map((text): [string[], string] => [
    ["--zombie_interval", text],
    `--zombie_interval: "${text}" ${MINUTES_RULE}`,
  ]),
  ...["1.5k", "10kb", "-1", "k", "10 m", "", "99999999t"].map((text): [string[], string] => [
    ["--max_file_size", text],
    `--max_file_size: "${text}" ${SIZE_RULE}`,
  ]),
  [["--dest_path_prefix", ""], '--dest_path_prefix: "" is not a path'],
  [["--oversize", "drop"], '--oversize: "drop" is not one of truncate, refuse'],
  [["--log_format", "xml"], '--log_format: "xml" is not one of text, json'],
  [
    ["--fair_cluster_scheduler", "--early_cluster_scheduler"],
    "--fair_cluster_scheduler: contradicts --early_cluster_scheduler; give one of both",
  ],
  [["-n"], "-n: needs a value; write -n HOST"],
  [["-n", "-d"], "-n: needs a value; write -n HOST"],
  [["--port"], "--port: needs a value; write --port PORT"],
  [
    ["--node_secret", "--clean"],
    "--node_secret: needs a value; write --node_secret TEXT " +
    "(or --node_secret=TEXT when the value begins with a dash)",
  ],
  [["--clean=yes"], "--clean: takes no value, but was given one; write just --clean"],
  [["-d=1"], "-d: takes no value, but was given one; write just -d"],
  [["-p", "1", "--port", "1"], "--port: given more than once, but it takes one value"],
  [
    ["node1"],
    'unexpected argument "node1": every value belongs to an option ' +
    "(several nodes: -n NODE1 -n NODE2; all options: --help)",
  ],
  [
    ["-n", "a", "b"],
    'unexpected argument "b": every value belongs to an option ' +
    "(several nodes: -n NODE1 -n NODE2; all options: --help)",
  ],
  [
    ["--", "-d"],
    'unexpected argument "-d": every value belongs to an option ' +
    "(several nodes: -n NODE1 -n NODE2; all options: --help)",
  ],
  [["--prot", "1"], "--prot: unknown option; did you mean --port?"],
  [["--node-secert=x"], "--node-secert: unknown option; did you mean --node_secret?"],
  [["--Debug"], "--Debug: unknown option; did you mean --debug?"],
  [["--frobnicate"], "--frobnicate: unknown option; --help lists all options"],
  [["--=1"], "--: unknown option; --help lists all options"],
  [["--a\nb"], "--a\\nb: unknown option; --help lists all options"],
  [["-x"], "-x: unknown option; --help lists all options"],
  [["-dx"], "-dx: unknown option; --help lists all options"],
  [["-port", "1"], "-port: long names begin with two dashes; did you mean --port?"],
  [
    ["--node_c"],
    "--node_certfile: needs a value; write --node_certfile FILE",
  ],
  [
    ["--cluster", "x"],
    "--cluster: could be any of --cluster_secret, --cluster_secret_file, --cluster_certfile, " +
    "--cluster_keyfile, --cluster_rules; write more of the name",
  ],
  [["--config", "missing.ini"], '--config: cannot read "missing.ini": there is no such file'],
];

for (const [args, message] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(args)}`, () => {
    assertEquals(parse(...args), {
      kind: "exit",
      code: 2,
      stderr: `dispyscheduler: ${message}\n`,
    });
  });
}

Deno.test("a secret is never repeated in a message", () => {
  const refusesAll = {
    ...OPTIONS,
    node_secret: {
      ...OPTIONS.node_secret,
      parse: (): string => {
        throw new ValueError("good enough");
      },
    },
  };
  assertEquals(parseCommandLine(["--node_secret", "hunter2"], new FakeEnvironment(), refusesAll), {
    kind: "exit",
    code: 2,
    stderr: "dispyscheduler: --node_secret: the value is not good enough\n",
  });
  assertEquals(parse("--node_secret", "hunter2", "--node_secret", "hunter2"), {
    kind: "exit",
    code: 2,
    stderr: "dispyscheduler: --node_secret: given more than once, but it takes one value\n",
  });
});

Deno.test("what is not available yet is warned of, and does not keep the scheduler from running", () => {
  const table = { ...OPTIONS, clean: { ...OPTIONS.clean, availability: "not available yet" } };
  const parsed = parseCommandLine(["--clean"], new FakeEnvironment(), table as OptionTable);
  assertEquals(parsed.kind === "run" && parsed.warnings, [
    "--clean: not available yet in this version; goes on without it",
  ]);
  const without = parseCommandLine([], new FakeEnvironment(), table as OptionTable);
  assertEquals(without.kind === "run" && without.warnings, []);
});

Deno.test("--help prints the help and wins over what stands behind it", () => {
  for (const args of [["--help"], ["-h"], ["-dh"], ["-d", "--help", "--frobnicate"]]) {
    const outcome = parse(...args);
    assertEquals(outcome.kind === "exit" && outcome.code, 0);
    assertStringIncludes(outcome.kind === "exit" ? outcome.stdout ?? "" : "", "Usage:");
  }
});

Deno.test("--version prints the program's version and the dispy it speaks", () => {
  const manifest = JSON.parse(
    Deno.readTextFileSync(new URL("../../../deno.json", import.meta.url)),
  );
  assertEquals(parse("--version"), {
    kind: "exit",
    code: 0,
    stdout: `dispyscheduler ${manifest.version}\n` +
      "speaks dispy 4.15, answering each client and node in the version it announces\n",
  });
});
