import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { type NodeConfig, parseNodeCommandLine } from "../../../src/cli/node_command_line.ts";
import { NODE_OPTIONS } from "../../../src/cli/node_options.ts";
import { OPTIONS } from "../../../src/cli/options.ts";
import { FakeEnvironment } from "./fake_environment.ts";

const CPUS = 8;

function parse(...args: string[]): ReturnType<typeof parseNodeCommandLine> {
  return parseNodeCommandLine(args, new FakeEnvironment(), CPUS);
}

function config(...args: string[]): NodeConfig {
  const outcome = parse(...args);
  if (outcome.kind === "run") return outcome.config;
  throw new Error(outcome.stderr ?? outcome.stdout);
}

function mistake(...args: string[]): string {
  const outcome = parse(...args);
  ok(outcome.kind === "exit" && outcome.code === 2, "a mistake exits with 2");
  match(outcome.stderr ?? "", /^dispyscheduler node: [^\n]+\n$/);
  return outcome.stderr ?? "";
}

Deno.test("a node needs no options", () => {
  equal(config(), {
    cpus: CPUS,
    setupTimeoutMs: 600_000,
    jobTimeoutMs: 0,
    jobMemoryBytes: 0,
    allow: [],
    usesNamespace: true,
    hosts: [],
    extHosts: [],
    basePort: 9700,
    ipv4UdpMulticast: false,
    msgTimeoutMs: 5000,
    secret: "",
    requireOwnAuth: false,
    tls: null,
    zombieIntervalMs: 3_600_000,
    maxFileSizeBytes: 0,
    forceCleanup: false,
    clean: false,
    endsWithStdin: false,
    daemon: false,
    logLevel: "info",
    logFormat: "text",
  });
});

Deno.test("the options that dispynode has mean what they mean there", () => {
  const given = config(
    ...["-c", "2", "-i", "10.0.0.5", "--ext_host", "1.2.3.4", "-p", "51347", "--name", "n5"],
    ...["--dest_path_prefix", "/data", "--scheduler_host", "head", "--max_file_size", "10m"],
    ...["--zombie_interval", "5", "--ping_interval", "30", "--service_start", "9:00"],
    ...["--service_stop", "17:30", "--service_end", "18:00", "--serve", "3", "--force_cleanup"],
    ...["--msg_timeout", "10", "-s", "hush", "--clean", "--daemon", "-d", "--ipv4_udp_multicast"],
  );
  equal(given, {
    ...config(),
    cpus: 2,
    hosts: ["10.0.0.5"],
    extHosts: ["1.2.3.4"],
    basePort: 51347,
    name: "n5",
    destPathPrefix: "/data",
    schedulerHost: "head",
    maxFileSizeBytes: 10 * 1024 * 1024,
    zombieIntervalMs: 300_000,
    pingIntervalMs: 30_000,
    serviceStart: { hours: 9, minutes: 0 },
    serviceStop: { hours: 17, minutes: 30 },
    serviceEnd: { hours: 18, minutes: 0 },
    serve: 3,
    forceCleanup: true,
    msgTimeoutMs: 10_000,
    secret: "hush",
    clean: true,
    daemon: true,
    logLevel: "debug",
    ipv4UdpMulticast: true,
  });
});

Deno.test("CPUs are counted from below, or from above with a minus", () => {
  equal(config("-c", "0").cpus, CPUS);
  equal(config("-c", "-3").cpus, CPUS - 3);
  equal(config("--cpus=8").cpus, CPUS);
  match(mistake("-c", "9"), /this machine has 8 CPUs; give a number from -7 to 8/);
  match(mistake("-c", "-8"), /from -7 to 8/);
  match(mistake("-c", "two"), /"two" is not a number of CPUs/);
});

Deno.test("a negative number of computations to serve is no limit, and 0 is none at all", () => {
  equal(config("--serve", "-1").serve, undefined);
  equal(config("--serve", "0").serve, 0);
});

Deno.test("limits of jobs are seconds and sizes", () => {
  const { jobTimeoutMs, jobMemoryBytes, setupTimeoutMs } = config(
    ...["--job_timeout", "1.5", "--job_memory", "2g", "--setup_timeout", "0"],
  );
  equal([jobTimeoutMs, jobMemoryBytes, setupTimeoutMs], [1500, 2 * 1024 ** 3, 0]);
  match(mistake("--job_timeout", "-1"), /from 0 \(no limit\)/);
});

Deno.test("times of day are checked, and a service that starts has to end", () => {
  match(mistake("--service_stop", "25:00"), /not a time of day/);
  match(mistake("--service_start", "9:00"), /give --service_stop or --service_end as well/);
});

Deno.test("a secret in the environment counts where no option gives one", () => {
  const environment = new FakeEnvironment({}, { DISPYSCHEDULER_NODE_SECRET: "from there" });
  const secret = (...args: string[]) => {
    const outcome = parseNodeCommandLine(args, environment, CPUS);
    return outcome.kind === "run" ? outcome.config.secret : null;
  };
  equal([secret(), secret("--secret", "given")], ["from there", "given"]);
});

Deno.test("help fits the terminal and names every option", () => {
  const outcome = parse("--help");
  ok(outcome.kind === "exit" && outcome.code === 0);
  const lines = (outcome.stdout ?? "").split("\n");
  for (const line of lines) ok(line.length <= 100, line);
  for (const name of Object.keys(NODE_OPTIONS)) {
    ok(lines.some((line) => line.includes(`--${name}`)), name);
  }
});

Deno.test("what scheduler and node share is called the same", () => {
  const shared = ["msg_timeout", "ping_interval", "zombie_interval", "max_file_size"] as const;
  for (const name of shared) equal(NODE_OPTIONS[name].parse, OPTIONS[name].parse, name);
});

Deno.test("a secret may come by standard input, and then from nowhere else", () => {
  const environment = new FakeEnvironment({}, { DISPYSCHEDULER_NODE_SECRET: "other" });
  environment.inputLine = "one";
  const outcome = parseNodeCommandLine(["--secret_on_stdin"], environment, 1);
  equal(outcome.kind === "run" && outcome.config.secret, "one");
  const twice = parseNodeCommandLine(["--secret_on_stdin", "--secret", "x"], environment, 1);
  equal(twice.kind === "exit" && /contradicts --secret/.test(twice.stderr ?? ""), true);
  environment.inputLine = "";
  const none = parseNodeCommandLine(["--secret_on_stdin"], environment, 1);
  equal(none.kind === "exit" && /standard input is empty/.test(none.stderr ?? ""), true);
});
