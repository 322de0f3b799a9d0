/**
 * All that a job can do, at nodes of any kind: `clients/everything.py`.
 *
 * @module
 */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { dirname } from "node:path";
import { JobStatus } from "./jobs.ts";
import type { Lab, NodeKind } from "./lab.ts";

/** Who is who. */
export interface Circuit {
  /** A SharedJobCluster, by the scheduler that runs, or a JobCluster of dispy's own. */
  readonly cluster: "shared" | "job";
  /** What the nodes are. */
  readonly kinds: readonly NodeKind[];
  /** Options of every node. */
  readonly nodeArgs?: readonly string[];
  /** Jobs run as another user than the node: folders are open to it. */
  readonly isOpenToAll?: boolean;
  /** Environment of the client. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Has a client do all that a job can do, and checks what comes of it. */
export async function everything(
  lab: Lab,
  { cluster, kinds, nodeArgs = [], isOpenToAll = false, env = {} }: Circuit,
): Promise<void> {
  const traces = await lab.folder("traces");
  if (isOpenToAll) {
    await Deno.chmod(dirname(traces), 0o711);
    await Deno.chmod(traces, 0o777);
  }
  const nodes = await Promise.all(
    kinds.map((kind, index) =>
      lab.startNode(index + 1, { kind, knowsScheduler: cluster === "shared", args: nodeArgs })
    ),
  );
  const addresses = nodes.map((_, index) => lab.node(index + 1));
  const { events } = await lab.runClient("everything.py", {
    args: [cluster, ...addresses],
    env: { ...env, LAB_TRACES: traces },
  });

  const jobs = events.filter((line) => line.event === "job");
  equal(jobs.length, 6);
  for (const [number, job] of jobs.entries()) {
    const node = addresses[number % addresses.length]!;
    equal(job.node, node);
    equal([job.stdout, job.stderr, job.made], [`number ${number}\n`, "seen", `made-${number}.txt`]);
    if (number === 3) {
      equal([job.status, job.result], [JobStatus.Terminated, null]);
      match(job.exception, /^Traceback [^]*ValueError: bad number\n$/);
      continue;
    }
    equal([job.status, job.exception], [JobStatus.Finished, null]);
    equal(job.result, {
      prepared: `prepared ${node}`,
      own: "of all",
      brought: number % 2 === 1 ? "of one" : null,
      // Provisional results and a file, all of which have arrived.
      sent: Array((number % 3) + 1).fill(0),
      node,
      name: `node${node.split(".").at(-1) === "2" ? 1 : 2}`,
    });
  }
  const provisional = events.filter((line) => line.event === "provisional");
  equal(provisional.map((line) => line.value).sort(), [0, 0, 0, 0, 1, 1]);

  const programs = events.filter((line) => line.event === "program");
  equal(programs.length, 3);
  for (const [number, job] of programs.entries()) {
    ok(addresses.includes(job.node));
    equal([job.status, job.result, job.stdout, job.stderr], [
      JobStatus.Finished,
      4,
      `${number} at ${job.node}\n`,
      "oops\n",
    ]);
  }

  for (const node of addresses) {
    await lab.until("cleanup has run", async () => {
      return await Deno.readTextFile(`${traces}/${node}`) === "setup cleanup";
    });
  }
  // dispynode keeps a folder now and then; of ours nothing stays.
  for (const [index, node] of nodes.entries()) {
    if (kinds[index] !== "ours") continue;
    await lab.until("nothing is left at the node", async () => {
      const left = [];
      for await (const { name } of Deno.readDir(`${node.cwd}/dispy/node/127.0.0.1`)) {
        left.push(name);
      }
      return left.length === 0;
    });
  }
}
