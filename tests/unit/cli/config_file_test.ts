import { assertEquals } from "@std/assert/equals.js";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import type { SchedulerConfig } from "../../../src/cli/scheduler_config.ts";
import { readConfigFile, renderConfigFile } from "../../../src/cli/config_file.ts";
import { optionEntries } from "../../../src/cli/options.ts";
import { Selection } from "../../../src/cli/selection.ts";
import { UsageError } from "../../../src/cli/usage_error.ts";
import { ALL_AVAILABLE, FakeEnvironment } from "./fake_environment.ts";

function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(`./testdata/${name}`, import.meta.url));
}

function run(args: string[], environment = new FakeEnvironment()): SchedulerConfig {
  const outcome = parseCommandLine(args, environment, ALL_AVAILABLE);
  if (outcome.kind === "run") return outcome.config;
  throw new Error(`expected to run, but: ${JSON.stringify(outcome)}`);
}

/** Runs with a configuration file of this content. */
function runWith(content: string, ...args: string[]): SchedulerConfig {
  return run(["--config", "my.ini", ...args], new FakeEnvironment({ "my.ini": content }));
}

/** The message that a configuration file of this content leads to. */
function refusal(content: string | Error, table = ALL_AVAILABLE): string {
  const environment = new FakeEnvironment({ "my.ini": content });
  const outcome = parseCommandLine(["--config", "my.ini"], environment, table);
  if (outcome.kind === "run") return "";
  assertEquals(outcome.code, 2);
  assertEquals(outcome.stdout, undefined);
  return (outcome.stderr ?? "").replace("dispyscheduler: ", "").replace(/\n$/, "");
}

Deno.test("the file dispy 4.15 saves without options gives dispy's defaults on all families", () => {
  assertEquals(runWith(fixture("dispy_4.15_defaults.ini")), {
    ...run([]),
    msgTimeoutMs: 10_000, // dispy 4.15 writes its own default
  });
});

Deno.test("the file dispy 4.10 saves without options leaves all families to be served", () => {
  assertEquals(runWith(fixture("dispy_4.10_defaults.ini")), {
    ...run(["-n", "10.0.0.1", "-i", "192.168.20.55"]),
    msgTimeoutMs: 10_000,
  });
  const moved = fixture("dispy_4.10_defaults.ini").replace("51348", "7001");
  assertEquals(runWith(moved).ports.families, [
    { nodeSide: 51347, node: 7001, clientSide: 51349 },
  ]);
});

Deno.test("the port that dispy 4.11 to 4.14 saves has not been moved; a port given by hand is meant", () => {
  assertEquals(runWith("[DEFAULT]\ndispy_port = 61590\n").ports, run([]).ports);
  assertEquals(runWith("[dispyscheduler]\nport = 61590\n").ports.kind, "one");
});

Deno.test("the file dispy 4.15 saves with options gives these options", () => {
  assertEquals(runWith(fixture("dispy_4.15_options.ini")), {
    nodes: ["127.0.0.2", "10.0.0.*", "node5.example.org"],
    hosts: ["192.168.20.55"],
    extHosts: ["203.0.113.7"],
    ports: { kind: "one", families: [{ nodeSide: 51347, node: 51348, clientSide: 51349 }] },
    ipv4UdpMulticast: false,
    nodeSecret: "None",
    requireOwnAuth: false,
    clusterSecret: "it's [x] = ;#",
    nodeTls: null,
    clusterTls: null,
    policy: "early_cluster",
    cooperative: true,
    clusterRules: [],
    pulseIntervalMs: 7500,
    pingIntervalMs: 30_000,
    zombieIntervalMs: 300_000,
    msgTimeoutMs: 10_000,
    destPathPrefix: "/var/lib/dispy",
    memoryBudgetBytes: 512 * 1024 ** 2,
    diskBudgetBytes: 16 * 1024 ** 3,
    maxJobs: 1_000_000,
    resultKeepMs: 30 * 24 * 60 * 60_000,
    maxFileSizeBytes: 10 * 1024 ** 2,
    oversize: "truncate",
    clean: true,
    durability: "crash",
    keep: false,
    cleanupNodes: true,
    httpd: false,
    daemon: true,
    logLevel: "debug",
    logFormat: "text",
  });
});

Deno.test("options can stand under their long names, with dashes and in any case", () => {
  const config = runWith(`
# a comment
; another one
[DEFAULT]
debug: yes
Node-Secret = s3cret
nodes = 10.0.0.1, "10.0.0.2"
host = [
  10.0.0.9,
  10.0.0.8
  ]
scheduler_port=7000
fair_cluster_scheduler = on
early_cluster_scheduler = off
max_file_size = 1k
`);
  assertEquals(config, {
    ...run("-d -n 10.0.0.1 -n 10.0.0.2 -i 10.0.0.9 -i 10.0.0.8 --scheduler_port 7000".split(" ")),
    nodeSecret: "s3cret",
    policy: "fair_cluster",
    maxFileSizeBytes: 1024,
  });
});

Deno.test("what the command line says wins over the file; lists are replaced, not joined", () => {
  const file = fixture("dispy_4.15_options.ini");
  const config = runWith(file, "-n", "n9", "-p", "7000", "--fair_cluster_scheduler");
  assertEquals(config.nodes, ["n9"]);
  assertEquals(config.ports.families[0].nodeSide, 7000);
  assertEquals(config.policy, "fair_cluster");
  assertEquals(config.hosts, ["192.168.20.55"]);
});

Deno.test("the section dispyscheduler wins over DEFAULT", () => {
  const config = runWith(
    "[dispyscheduler]\nport = 9700\nmsg_timeout = 1\n[DEFAULT]\nport = 5\nmsg_timeout = 2\n",
  );
  assertEquals(config.ports.families, [{ nodeSide: 9700, node: 9701, clientSide: 9702 }]);
  assertEquals(config.msgTimeoutMs, 1000);
});

Deno.test("percent signs are read as Python's configparser reads them", () => {
  assertEquals(runWith("[DEFAULT]\nnode_secret = a%%b%c\n").nodeSecret, "a%b%c");
});

Deno.test("a file from Windows, with byte order mark and CRLF, is read", () => {
  assertEquals(runWith("\ufeff[DEFAULT]\r\nclean = True\r\n").clean, true);
});

const ROUND_TRIPS = [
  "",
  "-p 9700",
  "-p 7000",
  "--scheduler_port 7000 --node_port 7001",
  "-n 10.0.0.* -n node5 -i 10.0.0.1 -i ::1 --ext_host 203.0.113.7",
  "--node_secret None --cluster_secret 100%[x]%(y)s%%",
  "--pulse_interval 1.001 --ping_interval 999.999 --zombie_interval 1.00001 --msg_timeout 0.001",
  "--zombie_interval 0 --max_file_size 3t",
  "--dest_path_prefix /var/lib/x%y --log_format json -d --clean --httpd --cooperative",
  "--fair_cluster_scheduler --cleanup_nodes --daemon --ipv4_udp_multicast",
  "--early_cluster_scheduler",
  "--oversize refuse --node_secret_file /run/my%node.secret --cluster_secret_file cluster",
];

const SECRET_FILES = { "/run/my%node.secret": "one\n", "cluster": "two\n" };

for (const line of ROUND_TRIPS) {
  Deno.test(`what --save_config writes reads back the same: ${line || "no options"}`, () => {
    const environment = new FakeEnvironment(SECRET_FILES);
    const args = line.split(" ").filter((arg) => arg !== "");
    const outcome = parseCommandLine(
      [...args, "--save_config", "my.ini"],
      environment,
      ALL_AVAILABLE,
    );
    assertEquals(outcome, { kind: "exit", code: 0 });
    assertEquals(run(["--config", "my.ini"], environment), run(args, environment));
  });
}

/** One of these is a good value of any option. */
const SAMPLES = ["7", "refuse", "power", "json", "text"];

for (const [name, option] of optionEntries(ALL_AVAILABLE)) {
  if (option.commandLineOnly) continue;
  Deno.test(`--save_config does not forget --${name}`, () => {
    const given = new Selection(ALL_AVAILABLE);
    if (option.kind === "flag") given.giveFlag(name, `--${name}`);
    for (const sample of SAMPLES) {
      if (given.has(name)) break;
      try {
        given.giveValue(name, sample, `--${name}`);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
      }
    }
    const saved = readConfigFile(renderConfigFile(given), "my.ini", ALL_AVAILABLE);
    assertEquals(given.has(name), true, "add a good value to SAMPLES");
    assertEquals(saved.values[name], given.values[name]);
  });
}

Deno.test("a saved file has, in DEFAULT, exactly the keys that dispy 4.15 reads", () => {
  const environment = new FakeEnvironment();
  run([]); // the options themselves are fine
  parseCommandLine(
    ["--log_format=json", "--node_port=7", "-n", "a", "-n", "b", "--save_config", "my.ini"],
    environment,
  );
  const keysOf = (text: string) =>
    text.split("[dispyscheduler]")[0]?.split("\n").map((line) => line.split(" = ")[0])
      .filter((key) => key !== "");
  const saved = environment.readTextFile("my.ini");
  assertEquals(keysOf(saved), keysOf(fixture("dispy_4.15_defaults.ini")));
  // dispy takes the brackets off and splits at commas; quotes would become part of the names.
  assertEquals(saved.includes("nodes = [a, b]\n"), true);
  assertEquals(saved.endsWith("\n[dispyscheduler]\nnode_port = 7\nlog_format = json\n"), true);
});

Deno.test("a configuration can be read from one file and saved into another", () => {
  const environment = new FakeEnvironment({ "old.ini": fixture("dispy_4.15_options.ini") });
  parseCommandLine(["--config", "old.ini", "--save_config", "new.ini"], environment);
  assertEquals(
    run(["--config", "new.ini"], environment),
    run(["--config", "old.ini"], environment),
  );
});

Deno.test("a value the format cannot hold is refused, not changed, and not shown", () => {
  for (const secret of [" x", "x ", "a\nb", "a\u0000b"]) {
    const environment = new FakeEnvironment();
    const args = ["--cluster_secret", secret, "--save_config", "my.ini"];
    assertEquals(parseCommandLine(args, environment), {
      kind: "exit",
      code: 2,
      stderr: "dispyscheduler: --cluster_secret: cannot be saved: a configuration file holds " +
        "neither control characters nor white space around a value\n",
    });
    assertEquals(environment.files.size, 0);
  }
});

Deno.test("a wrong option is found before anything is saved", () => {
  const environment = new FakeEnvironment();
  const outcome = parseCommandLine(["--save_config", "my.ini", "-p", "0"], environment);
  assertEquals(outcome.kind === "exit" && outcome.code, 2);
  assertEquals(environment.files.size, 0);
});

const REFUSED: [string, string][] = [
  [
    "[DEFAULT]\n\nmsg_timeout = soon\n",
    'my.ini, line 3, msg_timeout: "soon" is not a number of seconds from 0.001 to 86400 (a day)',
  ],
  [
    "[DEFAULT]\nnodes = ['a b']\n",
    'my.ini, line 2, nodes: "a b" is not a host name, an IP address or an address with *, such ' +
    "as 10.0.0.5 or 10.0.0.* (for several, repeat the option)",
  ],
  [
    "[DEFAULT]\nclean = maybe\n",
    'my.ini, line 2, clean: "maybe" is not a flag: give True or False',
  ],
  [
    "[DEFAULT]\nscheduler_alg = random\n",
    'my.ini, line 2, scheduler_alg: "random" is not one of fair_cluster, fcfs_cluster, None',
  ],
  [
    "[DEFAULT]\nfair_cluster_scheduler = 1\nscheduler_alg = fcfs_cluster\n",
    "my.ini, line 2, fair_cluster_scheduler: contradicts my.ini, line 3, scheduler_alg; " +
    "give one of both",
  ],
  ["[DEFAULT]\nprot = 5\n", "my.ini, line 2, prot: unknown option; did you mean port?"],
  [
    "[DEFAULT]\nfrobnicate = 5\n",
    "my.ini, line 2, frobnicate: unknown option; --help lists all options",
  ],
  [
    "[DEFAULT]\nconfig = x\n",
    "my.ini, line 2, config: works on the command line only; remove the line",
  ],
  [
    "[DEFAULT]\nport = 5\nport = 6\n",
    "my.ini, line 3: port: stands in [DEFAULT] twice; remove one",
  ],
  [
    "[DEFAULT]\nport = 5\ndispy_port = 6\n",
    "my.ini, line 3, dispy_port: given more than once, but it takes one value",
  ],
  [
    "[DEFAULT]\nnode = a\nnodes = b\n",
    "my.ini, line 3, nodes: given twice under different names",
  ],
  ["clean = True\n", "my.ini, line 1: clean: stands before any section; begin with [DEFAULT]"],
  ["[DEFAULT]\nclean\n", "my.ini, line 2: expected [section], key = value or a # comment"],
  [
    "[nodes]\na = 1\n",
    'my.ini, line 2, a: stands in section "nodes"; options stand in [DEFAULT] or [dispyscheduler]',
  ],
  [
    "[DEFAULT]\nnode_secret = %(x)s\n",
    "my.ini, line 2: node_secret: references such as %(name)s are not supported; " +
    "write %% for a percent sign",
  ],
  [
    "[DEFAULT]\nscheduler_port = 9700\n",
    "my.ini, line 2, scheduler_port: 9700 is already the port for nodes; " +
    "give another one for clients",
  ],
];

for (const [content, message] of REFUSED) {
  Deno.test(`refused in a file: ${JSON.stringify(content)}`, () => {
    assertEquals(refusal(content), message);
  });
}

Deno.test("what is not available yet is warned of in a file too, but may be switched off there", () => {
  const environment = new FakeEnvironment({
    "on.ini": "[DEFAULT]\nhttp_server = True\n",
    "off.ini": "[DEFAULT]\nhttp_server = False\nnode_certfile =\n",
  });
  const unavailable = {
    ...ALL_AVAILABLE,
    httpd: { ...ALL_AVAILABLE.httpd, availability: "not available yet" as const },
  };
  const warnings = ["on.ini", "off.ini"].map((file) => {
    const parsed = parseCommandLine(["--config", file], environment, unavailable);
    return parsed.kind === "run" && parsed.warnings;
  });
  assertEquals(warnings, [
    ["on.ini, line 2, http_server: not available yet in this version; goes on without it"],
    [],
  ]);
});

Deno.test("a file that cannot be read is explained", () => {
  const cases: [Error, string][] = [
    [new Deno.errors.NotCapable("x"), "Deno was not allowed to; start it with --allow-read=my.ini"],
    [new Deno.errors.PermissionDenied("x"), "the system denies permission"],
    [new Deno.errors.IsADirectory("x"), "it is a directory; give a file"],
    [new TypeError("x"), "it is not UTF-8 text"],
    [new Error("odd\nthing"), "odd thing"],
  ];
  for (const [error, problem] of cases) {
    assertEquals(refusal(error), `--config: cannot read "my.ini": ${problem}`);
  }
});

Deno.test("a file that cannot be written is explained", () => {
  const cases: [Error, string][] = [
    [
      new Deno.errors.NotCapable("x"),
      "Deno was not allowed to; start it with --allow-write=my.ini",
    ],
    [new Deno.errors.NotFound("x"), "its directory does not exist"],
  ];
  for (const [error, problem] of cases) {
    assertEquals(
      parseCommandLine(["--save_config=my.ini"], new FakeEnvironment({ "my.ini": error })),
      {
        kind: "exit",
        code: 2,
        stderr: `dispyscheduler: --save_config: cannot write "my.ini": ${problem}\n`,
      },
    );
  }
});
