import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { cancelCommand, nodesCommand, statusCommand } from "../../../src/cli/control_options.ts";
import { readSubcommand, type Subcommand } from "../../../src/cli/subcommand.ts";
import { submitCommand } from "../../../src/cli/submit_options.ts";
import type { AnyTable } from "../../../src/cli/options.ts";
import { FakeEnvironment } from "../cli/fake_environment.ts";

const ENVIRONMENT = new FakeEnvironment(
  { secret: "from file\n" },
  { DISPYSCHEDULER_CLUSTER_SECRET: "from environment" },
);

const status = statusCommand(ENVIRONMENT);
const nodes = nodesCommand(ENVIRONMENT);
const cancel = cancelCommand(ENVIRONMENT);
const submit = submitCommand(ENVIRONMENT);

/** What the arguments come to, or the one line that says what is wrong. */
function read<Table extends AnyTable, Config>(
  command: Subcommand<Table, Config>,
  ...args: string[]
): Config {
  const outcome = readSubcommand(args, command);
  if (outcome.kind === "run") return outcome.config;
  throw new Error(`${outcome.code} ${outcome.stdout ?? ""}${outcome.stderr ?? ""}`);
}

Deno.test("the scheduler is at this machine's usual ports unless options say otherwise", () => {
  assertEquals(read(status).connection, {
    host: "127.0.0.1",
    ports: [9702, 61592, 51349],
    secret: "from environment",
    tls: null,
    timeoutMs: 5000,
  });
  const { connection } = read(
    cancel,
    ...["--scheduler_host=h", "--scheduler-port", "7", "--cluster_secret_file", "secret", "x"],
  );
  assertEquals(
    [connection.host, connection.ports, connection.secret],
    ["h", [7], "from file"],
  );
});

Deno.test("options of status, nodes and cancel", () => {
  const { connection: _, ...looks } = read(status, "-w", "--json", "work", "--limit", "3");
  assertEquals(looks, { cluster: "work", limit: 3, json: true, watchMs: 2000 });
  assertEquals(read(status, "--watch", "--interval", "0.5").watchMs, 500);
  const actions = [[], ["drain", "a", "b"], ["resume", "a"], ["limit", "2", "a"]]
    .map((args) => read(nodes, ...args)).map(({ nodes, cpus }) => [nodes, cpus]);
  assertEquals(actions, [[[], null], [["a", "b"], 0], [["a"], null], [["a"], 2]]);
  const { connection: __, ...wanted } = read(cancel, "work", "--job", "1795352258752001");
  assertEquals(wanted, {
    cluster: "work",
    uid: 1795352258752001,
    terminateRunning: true,
    json: false,
  });
  assertEquals(read(cancel, "--keep-running", "work").terminateRunning, false);
});

Deno.test("submit: where options end, what is read, and what is run", () => {
  const plan = (...args: string[]) => planned(submit, ...args);
  assertEquals(plan("make", "-j", "4", "--json"), ["make -j 4 --json"]);
  assertEquals(plan("gzip {}"), ["gzip in", ["-"]]);
  assertEquals(plan(), [null, ["-"]]);
  assertEquals(plan("{}"), [null, ["-"]]);
  assertEquals(plan("-a", "f"), [null, ["f"]]);
  assertEquals(plan("-0", "-a", "f", "rm"), ["rm in", ["f"]]);
  assertEquals(read(submit, "-0", "-a", "f", "rm").source.isNullSeparated, true);
  assertEquals(plan("echo", ":::", "a", "b"), ["echo a", "a b"]);
  assertEquals(plan(":::", "true", "false"), [null, "true false"]);
  assertEquals(plan("echo", "{2}{1}", ":::", "a", ":::", "b"), ["echo ba", "a", "b"]);
  assertEquals(plan("echo", "::::", "f", "-"), ["echo in", ["f", "-"]]);
  assertEquals(plan("echo", ":::", "a", "::::+", "f", ":::", "x"), [
    ...["echo a in x", "a", ["f"], "x"],
  ]);
  const links = read(submit, "echo", ":::", "a", "::::+", "f", ":::", "x").source.lists;
  assertEquals(links.map(({ isLinked }) => isLinked), [false, true, false]);
});

/** The first line of a plan, and its inputs: files in a list of their own. */
function planned(command: typeof submit, ...args: string[]) {
  const { command: template, source } = read(command, ...args);
  const inputs = source.lists.map(({ from }) => "texts" in from ? from.texts[0]! : "in");
  const shown = source.lists.map(({ from }) => "texts" in from ? from.texts.join(" ") : from.files);
  return [template?.fill(inputs, 1) ?? null, ...shown];
}

Deno.test("submit reads standard input that holds data, as GNU parallel does, unless told not to", () => {
  const piped = new FakeEnvironment();
  piped.hasInputData = true;
  const command = submitCommand(piped);
  assertEquals(planned(command, "echo", "x"), ["echo x in", ["-"]]);
  assertEquals(planned(command, "echo {#}"), ["echo 1", ["-"]]);
  assertEquals(planned(command, "--once", "echo", "x"), ["echo x"]);
  assertEquals(planned(command, "echo", ":::", "a"), ["echo a", "a"]);
  assertEquals(planned(command, "-a", "f", "echo"), ["echo in", ["f"]]);
});

Deno.test("submit: a command with a placeholder of any kind gets no input at its end", () => {
  assertEquals(planned(submit, "echo {#}", ":::", "a"), ["echo 1", "a"]);
  assertEquals(planned(submit, "echo {-1}", ":::", "a", ":::", "b"), ["echo b", "a", "b"]);
});

Deno.test("submit: what becomes of values", () => {
  const { depends, lineDepends, timeoutMs, retries, maxPending, name } = read(
    submit,
    ...["-d", "all", "-d", "{}", "-t", "1.5", "-r", "2", "-j", "9", "--name", "n", "cat {}"],
  );
  assertEquals([depends, lineDepends.map((each) => each.fill(["f"], 1))], [["all"], ["f"]]);
  assertEquals([timeoutMs, retries, maxPending, name], [1500, 2, 9, "n"]);
});

const REFUSED: readonly [Subcommand<AnyTable, unknown>, string, RegExp][] = [
  [status, "a b", /unexpected argument "b"/],
  [status, "--interval 3", /--interval: works with --watch only/],
  [status, "--cluster_secret x --cluster_secret_file secret", /contradicts --cluster_secret/],
  [status, "--jso --nodes x", /--nodes: unknown option/],
  [nodes, "reboot a", /"reboot": unknown action; give nodes \| nodes drain/],
  [nodes, "drain", /drain: names no node/],
  [nodes, "limit a", /limit: "a" is not a whole number/],
  [nodes, "limit 0 a", /limit: "0" is not a whole number/],
  [cancel, "", /CLUSTER is missing/],
  [cancel, "a --job x", /--job: "x" is not a job's number/],
  [cancel, "a --job 1 --keep_running", /--keep_running: contradicts --job/],
  [submit, "-a f echo ::: a", /-a: contradicts :::/],
  [submit, "-0 true", /-0: no inputs are read/],
  [submit, "--once -a f true", /--once: there are inputs/],
  [submit, "echo :::+ a", /:::\+: there are no inputs in front/],
  [submit, "echo ::::", /::::: names no file/],
  [submit, "echo :::: - ::: a :::: -", /-: standard input can be read once only/],
  [submit, "echo {%} ::: a", /\{%\}: command lines have no job slots.* write '\{'%\}/],
  [submit, "echo {=$_++=} ::: a", /\{=\$_\+\+=\}: Perl expressions are not supported/],
  [submit, "-d {%} true", /\{%\}: command lines have no job slots/],
  [submit, "echo {-2} ::: a", /\{-2\}: there is no such input; each line has 1/],
  [submit, "echo {2} ::: a", /\{2\}: there is no such input; each line has 1/],
  [submit, "-d {} true", /\{\}: there is no such input; inputs come behind :::/],
  [submit, "::: a ::: b", /several inputs a line need a COMMAND/],
  [submit, "-n 2 echo ::: a b", /-n: "2" is not a node's name or address; each line takes one/],
  [submit, "-N 2 echo ::: a b", /-N: unknown option; each line takes one input from each :::/],
  [submit, "--joblog f echo", /--joblog: unknown option; --json tells/],
  [submit, "--line-buffer echo", /--line-buffer: unknown option; the output of a command/],
  [submit, "--retrys 3 echo", /--retrys: unknown option; did you mean --retries\?/],
  [submit, "--name a.py true", /--name: "a.py" is not a name/],
  [submit, "--name a/b true", /--name: "a\/b" is not a name/],
  [submit, "-r -1 true", /-r: "-1" is not a number of times/],
  [submit, "-t 0 true", /-t: "0" is not a number of seconds/],
  [submit, "-j 0 true", /-j: "0" is not a whole number/],
] as unknown as readonly [Subcommand<AnyTable, unknown>, string, RegExp][];

for (const [command, args, expected] of REFUSED) {
  Deno.test(`refused: ${command.name} ${args}`, () => {
    const outcome = readSubcommand(args.split(" ").filter((arg) => arg !== ""), command);
    assertEquals(outcome.kind === "exit" && [outcome.code, outcome.stdout], [2, undefined]);
    const stderr = outcome.kind === "exit" ? outcome.stderr ?? "" : "";
    assertMatch(stderr, expected);
    assertMatch(stderr, new RegExp(`^dispyscheduler ${command.name}: .*\\n$`));
  });
}

Deno.test("each command has a help of at most 100 columns that begins with its usage", () => {
  for (const command of [status, nodes, cancel, submit]) {
    const outcome = readSubcommand(["--help"], command as unknown as Subcommand<AnyTable, unknown>);
    const help = outcome.kind === "exit" ? outcome.stdout ?? "" : "";
    assertEquals(help.split("\n").filter((line) => line.length > 100), []);
    assertEquals(help.startsWith(`Usage: dispyscheduler ${command.name} [options]`), true, help);
    assertMatch(help, /--scheduler_host HOST/);
  }
});
