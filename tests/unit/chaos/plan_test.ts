/** The plan of a chaos run. */

import { deepStrictEqual as equal, notDeepStrictEqual as differ, ok } from "node:assert/strict";
import { type Fault, planFaults, type PlanOptions } from "../../interop/chaos/plan.ts";

const OPTIONS: PlanOptions = {
  seed: 1,
  durationMs: 600_000,
  nodeKind: "dispynode",
  nodes: 4,
  clients: 3,
  schedulerKills: true,
};

Deno.test("the same seed plans the same faults, another one others", () => {
  equal(planFaults(OPTIONS), planFaults(OPTIONS));
  differ(planFaults(OPTIONS), planFaults({ ...OPTIONS, seed: 2 }));
});

Deno.test("all faults are over in time, and none befalls somebody in the middle of another", () => {
  const last = new Map<string, Fault>();
  for (const fault of planFaults(OPTIONS)) {
    const before = last.get(fault.target);
    ok(before === undefined || before.atMs + before.lastsMs <= fault.atMs);
    ok(fault.atMs + fault.lastsMs <= OPTIONS.durationMs);
    last.set(fault.target, fault);
  }
  equal([...last.keys()].sort(), [
    ...["client 1", "client 2", "client 3"],
    ...["node 1", "node 2", "node 3", "node 4", "scheduler"],
  ]);
});

Deno.test("without scheduler kills the scheduler is stopped and cut off, and never ends", () => {
  const faults = planFaults({ ...OPTIONS, schedulerKills: false })
    .filter(({ target }) => target === "scheduler");
  equal([...new Set(faults.map(({ kind }) => kind))].sort(), ["SIGSTOP", "cut"]);
});
