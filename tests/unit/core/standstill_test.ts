/** The scheduler was stopped for a while, its machine slept, or its clock was set. */

import { assertEquals } from "@std/assert/equals.js";
import * as core from "../../../src/core/mod.ts";
import { restarted, sameJob } from "./restarted.ts";
import { Scene } from "./scene.ts";

const PULSE_MS = 2_000;
const HOUR_MS = 3_600_000;

function scene() {
  const s = new Scene({ pulseIntervalMs: PULSE_MS, zombieIntervalMs: 60_000 });
  s.nowMs = 10 * HOUR_MS;
  const node = s.node("10.0.0.2", 1);
  const cluster = s.cluster({ reentrant: true });
  const job = s.running(cluster);
  s.pass(500);
  return { s, node, cluster, job };
}

Deno.test("nobody is given up who could not be heard, as the scheduler stood still", () => {
  const { s, node, cluster, job } = scene();
  s.nowMs += HOUR_MS;
  s.on(core.onTick);
  assertEquals(s.results, []);
  assertEquals([s.core.nodes.get(node.ipAddr), job.state, cluster.state], [
    node,
    "running",
    "active",
  ]);
  s.pass(3 * PULSE_MS);
  assertEquals(job.state, "running", "pulses are awaited from here on");
  s.pass(3 * PULSE_MS);
  assertEquals([s.core.nodes.size, job.state], [0, "queued"]);
});

Deno.test("a client that is silent from before a standstill until long after it is given up", () => {
  const { s, cluster } = scene();
  s.nowMs += HOUR_MS;
  s.pass(50_000);
  assertEquals(cluster.state, "active");
  s.pass(12_000);
  assertEquals(cluster.accepts, false);
});

Deno.test("time passes for a scheduler that is always late, too", () => {
  const { s, node } = scene();
  for (let i = 0; i < 10; i++) {
    s.nowMs += 3_000;
    s.on(core.onTick);
  }
  assertEquals(s.core.nodes.has(node.ipAddr), false);
});

Deno.test("replies that a node has sent while the scheduler stood still are awaited when it closes", () => {
  const { s, cluster, job } = scene();
  const { share } = job;
  s.closeNode(cluster, "10.0.0.2");
  s.closed(share!);
  s.nowMs += HOUR_MS;
  s.on(core.onTick);
  assertEquals(s.results, []);
  s.reply(job);
  assertEquals(s.results, [[job.uid, core.Outcome.Finished]]);
});

Deno.test("nothing waits for a clock that was set back to come to where it was", () => {
  const { s, node, cluster, job } = scene();
  const other = s.node("10.0.0.3", 1);
  const refused = s.submit(cluster);
  s.refused(refused, "busy");
  s.reply(job);
  const { delivery } = s.effectsOf("deliver")[0]!;
  s.on((_, nowMs) => core.onDeliveryFailed(delivery, nowMs));
  assertEquals(other.pausedUntilMs > s.nowMs, true);
  s.nowMs -= HOUR_MS;
  s.pass(2_000);
  assertEquals(s.effectsOf("deliver").length, 1);
  assertEquals(other.pausedUntilMs, 0);
  s.pass(5 * PULSE_MS);
  assertEquals(s.core.nodes.has(node.ipAddr), false, "its silence counts");
});

Deno.test("that is so of a standstill right after a restart, too", () => {
  const { s: before, job } = scene();
  const s = restarted(before, { pulseIntervalMs: PULSE_MS });
  s.nowMs += HOUR_MS;
  s.on(core.onTick);
  assertEquals(sameJob(s, job).state, "running");
});
