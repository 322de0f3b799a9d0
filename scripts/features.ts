/**
 * Writes the table of features into the README, from the scenarios that prove them with real
 * peers. `--check` only tells whether it is up to date.
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);
const README = new URL("README.md", ROOT);
const BEGIN = "<!-- features:begin (written by scripts/features.ts) -->";
const END = "<!-- features:end -->";

/** What the scenarios of a file are about, in the order of the table. */
const SECTIONS: readonly (readonly [file: string, title: string])[] = [
  ["results", "Jobs and their results"],
  ["payload", "What jobs bring and take"],
  ["jobs", "Jobs that are cancelled, pinned, refused"],
  ["last_moments", "Jobs that are told to end, and use their last moments"],
  ["status", "News for clients, cancelling, files, provisional results"],
  ["sharing", "Several clients, policies"],
  ["terms", "Priorities, weights, limits"],
  ["nodes", "Node lists, discovery, ports"],
  ["control", "Calls of `SharedJobCluster` about nodes"],
  ["node_control", "Nodes that change, leave, come back; exclusive clusters"],
  ["files", "Files"],
  ["failures", "Nodes, clients and schedulers that fail"],
  ["faults_nodes", "Nodes that break their word: results twice or late, jobs forgotten"],
  ["faults_network", "Networks that are cut, heal, or are slow"],
  ["faults_clients", "Clients that stop reading, die, come back, are late"],
  ["chaos", "Chaos"],
  ["restart", "Schedulers that are killed and started again"],
  ["restart_state", "What schedulers leave for the next start"],
  ["state_damage", "State that is damaged, or goes"],
  ["memory", "Memory: much that waits, limits"],
  ["signals", "Signals, and terminals that are closed"],
  ["pulses", "Pulses and zombies"],
  ["silence", "Peers that are not there, or go, are told of"],
  ["undelivered", "Results of clients that are away"],
  ["network", "Networks"],
  ["network_multicast", "Multicast"],
  ["network_ipv6", "IPv6"],
  ["network_nat", "NAT"],
  ["network_relay", "`dispynetrelay.py`"],
  ["releases", "Releases of dispy beside each other"],
  ["mixed_pythons", "Pythons beside each other"],
  ["secrets", "Secrets"],
  ["tls", "TLS"],
  ["security", "Strangers"],
  ["attack", "Attacks"],
  ["permissions", "Permissions"],
  ["local", "A node in the scheduler (`--local_cpus`)"],
  ["own_node_peers", "Our node: all that jobs can do, for every kind of scheduler"],
  ["own_node_jobs", "Our node: jobs end when they should, with all that they have started"],
  ["own_node_results", "Our node: results whose scheduler is away"],
  ["own_node_security", "Our node: secrets and TLS"],
  ["own_auth", "Our node: proofs of its own"],
  ["demo", "The demo"],
  ["commands_submit", "`dispyscheduler submit`"],
  ["commands_submit_inputs", "`dispyscheduler submit`: inputs, files, folders"],
  ["commands_control", "`dispyscheduler status`, `nodes`, `cancel`"],
  ["readme", "Examples of this README"],
  ["own_client_results", "Our client library: jobs and their results"],
  ["own_client_payload", "Our client library: what jobs bring and take"],
  ["own_client_status", "Our client library: news, cancelling, files, provisional results"],
  ["own_client_jobs", "Our client library: jobs at odd moments, calls about nodes"],
  ["own_client_security", "Our client library: secrets and TLS"],
  ["own_client_away", "Our client library: schedulers and programs that go away"],
  ["own_client_job_cluster", "Our client library: `JobCluster`"],
  ["own_client_typescript", "Our client library: TypeScript functions"],
  ["own_client_node_js", "Our client library: Node.js"],
  ["own_client_readme", "Our client library: the examples of its README"],
];

/** A scenario that is played with one of the schedulers. */
interface Listed {
  readonly file: string;
  readonly name: string;
  readonly referenceFails: string | null;
}

/** The scenarios that there are for `scheduler`. */
async function list(scheduler: "ours" | "reference"): Promise<Listed[]> {
  const files = [];
  for await (const { name } of Deno.readDir(new URL("tests/interop/", ROOT))) {
    if (name.endsWith("_test.ts")) files.push(name.replace("_test.ts", ""));
  }
  const program = files.map((file) => {
    const url = new URL(`tests/interop/${file}_test.ts`, ROOT).href;
    return `console.log(${JSON.stringify(JSON.stringify({ file }))}); await import("${url}");`;
  }).join("\n");
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    cwd: ROOT,
    // Without other programs: which rows there are must not depend on what the machine has, and an
    // environment of Python's, which needs the network, is not made for it.
    env: { DISPY_TEST_LIST: "1", DISPY_TEST_SCHEDULER: scheduler, PATH: "/nonexistent" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const scenarios: Listed[] = [];
  let file = "";
  for (const line of new TextDecoder().decode(stdout).trim().split("\n")) {
    const entry = JSON.parse(line);
    if (entry.file !== undefined) file = entry.file;
    else scenarios.push({ ...entry, file });
  }
  return scenarios;
}

/** The table, by sections. */
async function table(): Promise<string> {
  const [ours, reference] = await Promise.all([list("ours"), list("reference")]);
  const known = new Set(SECTIONS.map(([file]) => file));
  const missing = ours.find(({ file }) => !known.has(file));
  if (missing !== undefined) throw new Error(`scripts/features.ts: no title for ${missing.file}`);
  const original = ({ file, name, referenceFails }: Listed) => {
    if (!reference.some((other) => other.file === file && other.name === name)) return "has none";
    return referenceFails === null ? "✓" : `✗ ${referenceFails}`;
  };
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*");
  const lines = ["| What holds | The original |", "| --- | --- |"];
  for (const [file, title] of SECTIONS) {
    const rows = ours.filter((scenario) => scenario.file === file);
    if (rows.length === 0) continue;
    lines.push(`| **[${title}](tests/interop/${file}_test.ts)** | |`);
    for (const row of rows) lines.push(`| ${cell(row.name)} | ${cell(original(row))} |`);
  }
  return lines.join("\n");
}

/** The README with the current table of features in its place. */
export async function withFeatures(readme: string): Promise<string> {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("README.md has lost its marks for the features");
  return readme.slice(0, begin + BEGIN.length) + "\n\n" + await table() + "\n\n" +
    readme.slice(end);
}

if (import.meta.main) {
  const readme = await Deno.readTextFile(README);
  const current = await withFeatures(readme);
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(README, current);
  else if (current !== readme) {
    console.error("README.md: the features are out of date; run scripts/features.ts");
    Deno.exit(1);
  }
}
