import { assertEquals } from "@std/assert/equals.js";
import { type CliOutcome, parseCommandLine } from "../../../src/cli/command_line.ts";
import { SYSTEM_ENVIRONMENT } from "../../../src/cli/environment.ts";
import { FakeEnvironment } from "./fake_environment.ts";

const VARIABLES = {
  DISPYSCHEDULER_NODE_SECRET: "node of the environment",
  DISPYSCHEDULER_CLUSTER_SECRET: "cluster of the environment",
};
const FILES = {
  "node.secret": "node of the file\nand a second line\n",
  "cluster.secret": " cluster of the file \r\n",
  "bare": "without a line break",
  "empty": "\nsecond line",
  "node.ini": "[DEFAULT]\nnode_secret = node of the config\n",
  "node_file.ini": "[dispyscheduler]\nnode_secret_file = node.secret\n",
  "both.ini": "[DEFAULT]\nnode_secret = x\n[dispyscheduler]\nnode_secret_file = node.secret\n",
  "twice.ini": "[DEFAULT]\nnode_secret = x\nnode_secret_file = node.secret\n",
};

function parse(args: string[], variables: Record<string, string> = {}): CliOutcome {
  return parseCommandLine(args, new FakeEnvironment(FILES, variables));
}

function secrets(args: string[], variables: Record<string, string> = {}): [string, string] {
  const outcome = parse(args, variables);
  if (outcome.kind !== "run") throw new Error(outcome.stderr);
  return [outcome.config.nodeSecret, outcome.config.clusterSecret];
}

function refusal(...args: string[]): string | undefined {
  const outcome = parse(args);
  return outcome.kind === "exit" ? outcome.stderr : undefined;
}

Deno.test("a secret is the first line of its file, as it stands there", () => {
  assertEquals(
    secrets(["--node_secret_file", "node.secret", "--cluster_secret_file=cluster.secret"]),
    ["node of the file", " cluster of the file "],
  );
  assertEquals(secrets(["--node_secret_file", "bare"]), ["without a line break", ""]);
});

Deno.test("without an option a secret comes from the environment", () => {
  assertEquals(secrets([], VARIABLES), ["node of the environment", "cluster of the environment"]);
});

Deno.test("an option, also an empty one, wins over the environment", () => {
  assertEquals(secrets(["--node_secret", "", "--cluster_secret_file", "bare"], VARIABLES), [
    "",
    "without a line break",
  ]);
});

Deno.test("the command line wins over the configuration file, whichever of the two it gives", () => {
  assertEquals(secrets(["--config", "node.ini"])[0], "node of the config");
  assertEquals(secrets(["--config", "node_file.ini"])[0], "node of the file");
  assertEquals(
    secrets(["--config", "node.ini", "--node_secret_file", "node.secret"])[0],
    "node of the file",
  );
  assertEquals(secrets(["--config", "node_file.ini", "--node_secret", "given"])[0], "given");
  assertEquals(secrets(["--config", "both.ini"])[0], "node of the file");
});

Deno.test("two secrets for one side in one place are refused", () => {
  assertEquals(
    refusal("--node_secret", "x", "--node_secret_file", "node.secret"),
    "dispyscheduler: --node_secret_file: contradicts --node_secret; give one of both\n",
  );
  assertEquals(
    refusal("--config", "twice.ini"),
    "dispyscheduler: twice.ini, line 3, node_secret_file: contradicts twice.ini, line 2, " +
      "node_secret; give one of both\n",
  );
});

Deno.test("a file without a secret, or that is not there, is refused", () => {
  assertEquals(
    refusal("--node_secret_file", "empty"),
    'dispyscheduler: --node_secret_file: the first line of "empty" is empty; write the secret ' +
      "there\n",
  );
  assertEquals(
    refusal("--cluster_secret_file", "missing"),
    'dispyscheduler: --cluster_secret_file: cannot read "missing": there is no such file\n',
  );
});

Deno.test("a secret file that everybody may read is a warning, without the secret", () => {
  const environment = new FakeEnvironment(FILES);
  environment.open.add("node.secret").add("cluster.secret");
  const args = ["--node_secret_file", "node.secret", "--cluster_secret_file", "bare"];
  const outcome = parseCommandLine(args, environment);
  assertEquals(outcome.kind === "run" && outcome.warnings, [
    'the node secret is open to every user of this machine: "node.secret" may be read by others; ' +
    "run: chmod 600 on it",
  ]);
});

Deno.test("--save_config writes where a secret is, not what a file or the environment says", () => {
  const environment = new FakeEnvironment(FILES, VARIABLES);
  const args = ["--node_secret_file", "node.secret", "--save_config", "my.ini"];
  assertEquals(parseCommandLine(args, environment), { kind: "exit", code: 0 });
  const saved = environment.readTextFile("my.ini");
  assertEquals(saved.includes("node_secret_file = node.secret\n"), true);
  assertEquals(/of the (file|environment)/.test(saved), false);
});

Deno.test({
  name: "a file's mode says whether everybody may read it",
  ignore: Deno.build.os === "windows",
  fn: () => {
    const path = Deno.makeTempFileSync();
    try {
      for (const [mode, open] of [[0o600, false], [0o640, false], [0o644, true]] as const) {
        Deno.chmodSync(path, mode);
        assertEquals(SYSTEM_ENVIRONMENT.isReadableByAll(path), open);
      }
    } finally {
      Deno.removeSync(path);
    }
  },
});

Deno.test({
  name: "a variable that may not be read counts as not set, and nobody is asked",
  permissions: { env: ["DISPYSCHEDULER_NODE_SECRET"] },
  fn: () => {
    Deno.env.set("DISPYSCHEDULER_NODE_SECRET", "x");
    try {
      assertEquals(SYSTEM_ENVIRONMENT.variable("DISPYSCHEDULER_NODE_SECRET"), "x");
      assertEquals(SYSTEM_ENVIRONMENT.variable("DISPYSCHEDULER_CLUSTER_SECRET"), undefined);
    } finally {
      Deno.env.delete("DISPYSCHEDULER_NODE_SECRET");
    }
  },
});
