/**
 * The matrix of releases: everything that clients and nodes of one release of dispy do, row by
 * row, with `clients/matrix.py`.
 *
 * @module
 */

import type { Certificate } from "../../unit/net/certificates.ts";
import type { Lab } from "./lab.ts";
import type { Release } from "./releases.ts";

/** Rows that one client goes through by itself, with two nodes. */
export const ROWS: readonly string[] = [
  "jobs",
  "depends",
  "user objects",
  "exceptions",
  "provisional results",
  "setup, cleanup",
  "cancel",
  "two clients",
  "status, print_status",
  "cluster_status",
  "close",
  "programs",
  "submit_node",
  "node_jobs",
  "node_jobs(from_node=True)",
  "set_node_cpus",
  "allocate, deallocate, close_node",
  "files to nodes",
  "files to clients",
  "NodeAllocate",
  "news of nodes (AvailInfo)",
  "pulses",
  "restart of the scheduler",
];

/** Rows that say whether two programs understand each other, in a few seconds. */
export const SHORT_ROWS: readonly string[] = [
  "jobs",
  "depends",
  "user objects",
  "exceptions",
  "provisional results",
  "setup, cleanup",
  "cancel",
  "programs",
  "cluster_status",
  "files to nodes",
  "files to clients",
  "NodeAllocate",
];

/** Rows that need a scheduler and nodes of their own. */
export const SECURED_ROWS = ["secrets", "TLS"] as const;

/** What came of each row: `null` is good, all else says what was wrong. */
export type Outcomes = Map<string, string | null>;

/** Options of the scheduler that the rows want. */
const SCHEDULER_ARGS = ["--cooperative", "--pulse_interval", "1"];

/** Which programs play. */
export interface Cast {
  readonly client: Release;
  /** Releases of the two nodes; those of {@linkcode Cast.client} when absent. */
  readonly nodes?: readonly [Release | "ours", Release | "ours"];
}

/** Has clients go through `rows`, with a scheduler and two nodes of the lab. */
export async function playRows(
  lab: Lab,
  { client, nodes = [client, client] }: Cast,
  rows: readonly string[] = ROWS,
): Promise<Outcomes> {
  const options = { release: client, args: SCHEDULER_ARGS };
  let scheduler = await lab.startScheduler(options);
  const [, second] = await Promise.all(
    nodes.map((node, index) =>
      lab.startNode(
        index + 1,
        node === "ours" ? { kind: node } : { kind: "dispynode", release: node },
      )
    ),
  );
  return await playWith(lab, client, rows, {}, async (what) => {
    if (what === "node") await second!.stop();
    else scheduler = await lab.restartScheduler(scheduler, options);
  });
}

/** Has a client go through the row about secrets or, with a certificate, TLS. */
export async function playSecured(
  lab: Lab,
  release: Release,
  certificate?: Certificate,
): Promise<Outcomes> {
  const given = (prefix: string) =>
    certificate === undefined ? [] : [
      ...[`${prefix}certfile`, certificate.certFile],
      ...[`${prefix}keyfile`, certificate.keyFile],
    ];
  await lab.startScheduler({
    release,
    args: [
      ...["--node_secret", "node s3cret", ...given("--node_")],
      ...["--cluster_secret", "cluster s3cret", ...given("--cluster_")],
    ],
  });
  const args = ["--secret", "node s3cret", ...given("--")];
  await Promise.all([1, 2].map((n) => lab.startNode(n, { kind: "dispynode", release, args })));
  return await playWith(lab, release, [certificate === undefined ? "secrets" : "TLS"], {
    LAB_SECRET: "cluster s3cret",
    ...(certificate === undefined
      ? {}
      : { LAB_CERTFILE: certificate.certFile, LAB_KEYFILE: certificate.keyFile }),
  });
}

async function playWith(
  lab: Lab,
  release: Release,
  rows: readonly string[],
  env: Readonly<Record<string, string>>,
  kill: (what: "scheduler" | "node") => Promise<void> = () => Promise.resolve(),
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  const traces = await lab.folder("traces");
  while (outcomes.size < rows.length) {
    const left = rows.filter((row) => !outcomes.has(row));
    const client = await lab.startClient("matrix.py", {
      release,
      env,
      args: [lab.node(1), lab.node(2), traces, ...left],
    });
    const killed = (async () => {
      for (let done = 0;; done++) {
        await client.count("kill", done + 1);
        await kill(client.all("kill")[done]!.what);
      }
    })();
    killed.catch(() => {}); // The client ends before it asks for another.
    const { events } = await client.ended();
    const told = events.filter(({ event }) => event === "row");
    for (const { row, problem } of told) outcomes.set(row, problem);
    if (told.length === 0) outcomes.set(left[0]!, "the client has ended");
  }
  return outcomes;
}
