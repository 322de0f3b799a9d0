/**
 * Attacks of strangers on every port, while a real client runs jobs on a real node: nothing ends,
 * nothing fills up, and the jobs go on.
 */

import { ok } from "node:assert/strict";
import type { Client } from "./harness/client.ts";
import { Driven } from "./harness/driven.ts";
import { JobStatus } from "./harness/jobs.ts";
import type { Lab } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** Way of `clients/attack.py`, how many of it at each port, and what it is. */
const ATTACKS = [
  ["slow", 200, "connections that send a byte a second"],
  ["connects", 8, "connections that are closed at once"],
  ["noise", 8, "random bytes"],
  ["lengths", 8, "wrong lengths, cut and oversized messages"],
  ["pickles", 8, "deep, cyclic and exploding pickles"],
  ["replay", 8, "messages of others, again and in any order"],
] as const;

/** Longer than any time limit that strangers are given. */
const ATTACK_MS = 6_500;

/** A job that takes longer has been stalled; it takes about 0.05 s with nobody else there. */
const STALL_MS = 5_000;

/** What the runtime keeps for itself under load is less; a leak would be more. */
const GROWTH_MIB = 120;

/** Strangers have eight addresses: a line for each of them and for each of their faults. */
const MOST_WARNINGS = 40;

interface Latency {
  readonly jobs: number;
  readonly medianMs: number;
  readonly worstMs: number;
}

/** Runs jobs one after the other for a while. */
async function runJobs(driven: Driven, forMs: number): Promise<Latency> {
  const times: number[] = [];
  const began = performance.now();
  while (performance.now() - began < forMs) {
    const start = performance.now();
    const [job] = await driven.run(1, [0.03]);
    times.push(performance.now() - start);
    ok(job?.status === JobStatus.Finished, `a job ended with status ${job?.status}`);
  }
  times.sort((a, b) => a - b);
  return {
    jobs: times.length,
    medianMs: Math.round(times[times.length >> 1]!),
    worstMs: Math.round(times.at(-1)!),
  };
}

async function residentMib(process: LabProcess): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${process.pid}/status`);
  return Number(status.match(/^VmRSS:\s*(\d+) kB/m)?.[1]) / 1024;
}

function connectionsOf(process: LabProcess): number {
  return [...Deno.readDirSync(`/proc/${process.pid}/fd`)].length;
}

async function attack(lab: Lab, way: string, each: number): Promise<Client> {
  const attacker = await lab.startClient("attack.py", { name: "attacker", args: [way, each] });
  await attacker.event("attacking");
  return attacker;
}

for (const [way, each, what] of ATTACKS) {
  scenario(`jobs go on under an attack with ${what}`, {
    tier: "more",
    referenceFails: "it runs or waits for whatever anybody sends",
  }, async (lab) => {
    const scheduler = await lab.startScheduler({ debug: false });
    await lab.startNode(1);
    const driven = await Driven.ready(lab, { wait_nodes: 1 });
    const quiet = await runJobs(driven, 1_000);
    const before = { mib: await residentMib(scheduler), files: connectionsOf(scheduler) };

    const attacker = await attack(lab, way, each);
    const attacked = await runJobs(driven, ATTACK_MS);
    const during = { mib: await residentMib(scheduler), files: connectionsOf(scheduler) };
    await attacker.go();
    const { events } = await attacker.succeeded();

    const sent = events.at(-1)!;
    console.log(
      `${way}: quiet ${quiet.medianMs} ms a job (worst ${quiet.worstMs}), ` +
        `attacked ${attacked.medianMs} ms (worst ${attacked.worstMs}, ${attacked.jobs} jobs); ` +
        `${sent.tcp} connections, ${sent.udp} datagrams in ${sent.seconds.toFixed(1)} s; ` +
        `memory ${before.mib.toFixed()} -> ${during.mib.toFixed()} MiB, ` +
        `files ${before.files} -> ${during.files}`,
    );
    ok(attacked.worstMs < STALL_MS, `a job took ${attacked.worstMs} ms`);
    ok(during.mib - before.mib < GROWTH_MIB, `memory grew to ${during.mib.toFixed()} MiB`);
    const warnings = scheduler.lines.filter((line) => /\b(WARN|ERROR) /.test(line));
    ok(warnings.length <= MOST_WARNINGS, `${warnings.length} warnings`);
    ok(!warnings.some((line) => line.includes("ERROR")), warnings.join("\n"));
    await lab.until(
      "all connections of strangers are closed",
      () => connectionsOf(scheduler) <= before.files + 4,
    );
    await driven.close();
    ok(scheduler.exit === undefined, "the scheduler has ended");
  });
}
