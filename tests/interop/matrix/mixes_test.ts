/** Releases of dispy that meet at one scheduler. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Driven } from "../harness/driven.ts";
import { commandJson, runCommand } from "../harness/commands.ts";
import { JobStatus } from "../harness/jobs.ts";
import { SCHEDULER } from "../harness/lab.ts";
import { playRows, SHORT_ROWS } from "../harness/matrix.ts";
import { installed, type Release } from "../harness/releases.ts";
import { scenario } from "../harness/scenario.ts";

async function release(dispy: string): Promise<Release> {
  const found = await installed({ dispy });
  if ("unavailable" in found) throw new Error(found.unavailable);
  return found;
}

if (SCHEDULER === "ours") {
  for (
    const [client, first, second] of [
      ["4.15.2", "4.11.1", "4.12.4"],
      ["4.11.1", "4.15.2", "4.14.0"],
    ] as const
  ) {
    scenario(
      `clients of dispy ${client} with nodes of ${first} and ${second}`,
      { tier: "more", limitMs: 180_000 },
      async (lab) => {
        const nodes = [await release(first), await release(second)] as const;
        const outcomes = await playRows(lab, { client: await release(client), nodes }, SHORT_ROWS);
        equal(
          Object.fromEntries(outcomes),
          Object.fromEntries(SHORT_ROWS.map((row) => [row, null])),
        );
      },
    );
  }

  for (const [ofClient, ofNode] of [["4.15.2", "4.10.6"], ["4.10.6", "4.15.2"]] as const) {
    scenario(
      `jobs of a client of dispy ${ofClient} wait where there is only a node of ${ofNode}, ` +
        "and it is told why",
      { tier: "more", limitMs: 120_000 },
      async (lab) => {
        const scheduler = await lab.startScheduler();
        await lab.startNode(1, { kind: "dispynode", release: await release(ofNode) });
        const matching = await release(ofClient);
        const client = await Driven.ready(lab, {}, { release: matching });
        await client.submit(2, [0.05]);
        const reason = /127\.0\.0\.2: .*dispy .*dispy /;
        await scheduler.until(
          "the log tells why the jobs wait",
          () => scheduler.lines.some((line) => reason.test(line)) || undefined,
        );
        const status = await runCommand(lab, ["status"]);
        equal(status.code, 0);
        const { clusters } = await commandJson(lab, ["status"]);
        ok(reason.test(JSON.stringify(clusters)), JSON.stringify(clusters));

        await lab.startNode(2, { kind: "dispynode", release: matching });
        const jobs = await client.results();
        equal(jobs.map(({ status, node }) => [status, node]), [
          [JobStatus.Finished, lab.node(2)],
          [JobStatus.Finished, lab.node(2)],
        ]);
        await client.close();
      },
    );
  }

  scenario(
    "-n finds a node of any release before a client of that release has come",
    { tier: "more", limitMs: 120_000 },
    async (lab) => {
      const releases = await Promise.all(["4.15.2", "4.12.4", "4.10.6"].map(release));
      const named = releases.flatMap((_, index) => ["-n", lab.node(index + 1)]);
      await Promise.all(
        releases.map((of, index) =>
          lab.startNode(index + 1, { kind: "dispynode", release: of, knowsScheduler: false })
        ),
      );
      const scheduler = await lab.startScheduler({ args: named });
      for (const index of releases.keys()) {
        await scheduler.until(
          `node ${index + 1} is found`,
          () =>
            scheduler.lines.some((line) =>
              line.includes("node found") && line.includes(`node=${lab.node(index + 1)} `)
            ) || undefined,
        );
      }
    },
  );
}
