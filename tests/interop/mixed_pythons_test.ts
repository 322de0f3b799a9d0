/** Clients and nodes with Pythons that do not read each other's pickles. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import type { Lab } from "./harness/lab.ts";
import { playRows } from "./harness/matrix.ts";
import { installed, type Release, type ReleaseName } from "./harness/releases.ts";
import { scenario } from "./harness/scenario.ts";

/**
 * Those of the matrix in which values go to and fro by way of the scheduler. Files that a client
 * sends straight to a node are a matter of these two.
 */
const ROWS = [
  "jobs",
  "depends",
  "user objects",
  "exceptions",
  "provisional results",
  "setup, cleanup",
  "cluster_status",
  "programs",
  "files to clients",
  "NodeAllocate",
  "news of nodes (AvailInfo)",
  "restart of the scheduler",
];

const dispy = "4.15.2";
const TODAY: ReleaseName = { dispy };
const PYTHON_2: ReleaseName = { dispy, python: "2.7" };
/** Reads protocol 4, where today's Pythons write 5. */
const PYTHON_3_7: ReleaseName = { dispy, python: "3.7" };

const MIXES: readonly (readonly [client: ReleaseName, nodes: ReleaseName])[] = [
  [PYTHON_2, TODAY],
  [TODAY, PYTHON_2],
  [PYTHON_2, PYTHON_2],
  [PYTHON_3_7, TODAY],
  [TODAY, PYTHON_3_7],
];

const nameOf = ({ python }: ReleaseName) => python ?? "of today";

async function play(
  what: string,
  [client, nodes]: readonly [ReleaseName, ReleaseName],
  limitMs: number,
  steps: (lab: Lab, client: Release, nodes: Release) => Promise<void>,
): Promise<void> {
  const [ofClient, ofNodes] = [await installed(client), await installed(nodes)];
  const lacking =
    [ofClient, ofNodes].flatMap((each) => "unavailable" in each ? [each.unavailable] : [])[0];
  scenario(
    `a client with Python ${nameOf(client)}, nodes with Python ${nameOf(nodes)}: ${what}`,
    { tier: "more", limitMs, lacking },
    (lab) => steps(lab, ofClient as Release, ofNodes as Release),
  );
}

for (const mix of MIXES) {
  await play("values come back the same", mix, 60_000, async (lab, client, nodes) => {
    await lab.startScheduler();
    await lab.startNode(1, { kind: "dispynode", release: nodes });
    const nodePython = nodes.python?.split(".")[0] ?? "3";
    const args = [nodePython, lab.node(1)];
    const { events } = await lab.runClient("values.py", { release: client, args });
    const values = events.filter(({ event }) => event === "value");
    ok(values.length > 30);
    equal(values.filter(({ same }) => !same), []);
  });
}

for (const mix of MIXES.filter(([client, nodes]) => client !== nodes)) {
  await play("what dispy does", mix, 240_000, async (lab, client, nodes) => {
    const outcomes = await playRows(lab, { client, nodes: [nodes, nodes] }, ROWS);
    equal(Object.fromEntries([...outcomes].filter(([, problem]) => problem !== null)), {});
  });
}
