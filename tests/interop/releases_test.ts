/** Releases of dispy beside each other: who is found, who works with whom, who is told what. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import { commandJson, runCommand } from "./harness/commands.ts";
import type { Lab } from "./harness/lab.ts";
import { networkScenario } from "./harness/network.ts";
import { installed, type Release, type ReleaseName, titleOf } from "./harness/releases.ts";
import { scenario, type ScenarioOptions } from "./harness/scenario.ts";

/** Where scenarios are only listed, nothing is installed. */
async function find(name: ReleaseName): Promise<Release | Missing> {
  const isListed = Deno.env.has("DISPY_TEST_LIST");
  const found = isListed ? { unavailable: "only listed" } : await installed(name);
  return "unavailable" in found ? { ...name, ...found } : found;
}

interface Missing extends ReleaseName {
  readonly unavailable: string;
}

const OLD = await find({ dispy: "4.10.6" });
const MIDDLE = await find({ dispy: "4.12.4" });
const NEWER = await find({ dispy: "4.14.0" });
const NEWEST = await find({ dispy: "4.15.2" });
/** Of the days of Python 3.6, which not every machine has. */
const OLDEST = await find({ dispy: "4.6.18", python: "3.6" });

/** What the reference cannot do at all: dispy's peers drop what is not exactly of their release. */
const ONE_RELEASE_ONLY = { referenceFails: "it serves its own release alone" };

function optionsFor(
  releases: readonly (Release | Missing)[],
  tier: ScenarioOptions["tier"] = "more",
): ScenarioOptions {
  const missing = releases.find((each): each is Missing => "unavailable" in each);
  const why = missing?.python === undefined ? "unavailable" : "lacking";
  return { tier, limitMs: 120_000, [why]: missing?.unavailable, ...ONE_RELEASE_ONLY };
}

/** Has a client of the release go through rows of the matrix, with two nodes. */
async function play(lab: Lab, release: Release, nodes: readonly [number, number], rows: string[]) {
  const traces = await lab.folder("traces");
  const client = await lab.startClient("matrix.py", {
    name: `client ${titleOf(release)}`,
    release,
    args: [lab.node(nodes[0]), lab.node(nodes[1]), traces, ...rows],
  });
  const { events } = await client.ended();
  const played = events.filter(({ event }) => event === "row");
  equal(played.map(({ row, problem }) => [row, problem]), rows.map((row) => [row, null]));
}

/** Lines of the scheduler's log that say so. */
function said(lines: readonly string[], ...parts: RegExp[]): string[] {
  return lines.filter((line) => parts.every((part) => part.test(line)));
}

scenario(
  "clients of 4.10, 4.12 and 4.15 share a scheduler, each with nodes that understand it",
  optionsFor([OLD, MIDDLE, NEWEST], "core"),
  async (lab) => {
    const [old, middle, newest] = [OLD, MIDDLE, NEWEST] as Release[];
    const scheduler = await lab.startScheduler();
    const kind = "dispynode";
    await Promise.all([
      lab.startNode(1, { kind, release: old! }),
      lab.startNode(2, { kind, release: old! }),
      lab.startNode(3, { kind, release: middle! }),
      lab.startNode(4, { kind, release: newest! }),
    ]);
    await Promise.all([
      play(lab, old!, [1, 2], ["jobs", "depends", "setup, cleanup", "files to clients"]),
      // Nodes of 4.12 and 4.15 run the jobs of both.
      play(lab, middle!, [3, 4], ["jobs", "depends", "setup, cleanup", "files to clients"]),
      play(lab, newest!, [3, 4], ["jobs", "depends", "setup, cleanup", "files to clients"]),
    ]);
    const refused = said(scheduler.lines, /node not set up/);
    equal(refused, []);
  },
);

scenario(
  "a cluster without nodes of its own generation says so; nodes that come later are used",
  optionsFor([OLD, NEWEST]),
  async (lab) => {
    const [old, newest] = [OLD, NEWEST] as Release[];
    const scheduler = await lab.startScheduler();
    await lab.startNode(1, { kind: "dispynode", release: old! });
    const traces = await lab.folder("traces");
    const client = await lab.startClient("matrix.py", {
      release: newest!,
      args: [lab.node(2), lab.node(3), traces, "jobs"],
    });
    const wanted = "it is of dispy ≤ 4.10, the cluster of dispy ≥ 4.11";
    await scheduler.until("the log says why", () => {
      return scheduler.lines.some((line) => line.includes(wanted)) ? true : undefined;
    });
    const { clusters } = await commandJson(lab, ["status"]);
    const { cluster: { waits } } = await commandJson(lab, ["status", clusters[0].name]);
    match(JSON.stringify(waits), /it is of dispy ≤ 4\.10, the cluster of dispy ≥ 4\.11/);
    const { stdout } = await runCommand(lab, ["status", clusters[0].name]);
    match(stdout, /of dispy ≤ 4\.10/);
    await lab.startNode(2, { kind: "dispynode", release: newest! });
    await lab.startNode(3, { kind: "ours" });
    const { events } = await client.ended();
    equal(events.find(({ event }) => event === "row")?.problem, null);
  },
);

for (const release of [OLD, MIDDLE, NEWER, NEWEST, OLDEST]) {
  scenario(
    `-n finds a node of ${
      titleOf(release)
    } that runs already, before a client of that release has come`,
    optionsFor([release]),
    async (lab) => {
      await lab.startNode(1, {
        kind: "dispynode",
        release: release as Release,
        knowsScheduler: false,
      });
      const scheduler = await lab.startScheduler({ args: ["-n", lab.node(1)] });
      await scheduler.until("the node is found", () => {
        return said(scheduler.lines, /node found/, /127\.0\.0\.2/).length > 0 ? true : undefined;
      });
    },
  );
}

scenario(
  "nodes of ours run jobs of clients of 4.10 and 4.15 at the same time",
  optionsFor([OLD, NEWEST]),
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { kind: "ours" });
    await lab.startNode(2, { kind: "ours" });
    const rows = [
      "jobs",
      "depends",
      "setup, cleanup",
      "exceptions",
      "files to clients",
      "programs",
    ];
    await Promise.all([OLD, NEWEST].map((release) => play(lab, release as Release, [1, 2], rows)));
  },
);

scenario(
  "a node of ours serves the scheduler of 4.10",
  { tier: "more", limitMs: 120_000, unavailable: optionsFor([OLD]).unavailable },
  async (lab) => {
    const old = OLD as Release;
    await lab.startScheduler({ kind: "reference", release: old });
    // dispy ≤ 4.10 looks for nodes at its own ports.
    await Promise.all([1, 2].map((n) => lab.startNode(n, { kind: "ours", port: 51347 })));
    await play(lab, old, [1, 2], ["jobs", "depends", "setup, cleanup", "exceptions"]);
  },
);

networkScenario(
  "nodes of every generation that run already are found by broadcast",
  { ...optionsFor([OLD, MIDDLE, NEWEST]), nft: true },
  async (net) => {
    const lan = await net.switch();
    const machine = await net.machine("scheduler", [[lan, "10.1.0.1/24"]]);
    const releases = [OLD, MIDDLE, NEWEST] as Release[];
    const addresses = releases.map((_, index) => `10.1.0.${index + 2}`);
    for (const [index, release] of releases.entries()) {
      const where = await net.machine(`node${index}`, [[lan, `${addresses[index]}/24`]]);
      await net.startNode(where, { mute: true, release });
    }
    const scheduler = await net.startScheduler(machine, { bothFamilies: true });
    await net.untilFound(scheduler, ...addresses);
  },
);
