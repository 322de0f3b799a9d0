import { assertEquals } from "@std/assert/equals.js";
import { Core, earliestJob } from "../../../src/core/mod.ts";

function emptyCore(): Core {
  return new Core({
    policy: earliestJob,
    pulseIntervalMs: null,
    zombieIntervalMs: null,
    cooperative: false,
    firstId: 1,
    isJournaled: true,
  });
}

Deno.test("effects that were taken do not grow when there are more, also if there were none", () => {
  const core = emptyCore();
  const none = core.takeEffects();
  core.emit({ kind: "greetNode", ipAddr: "10.0.0.2", port: 9701 });
  const one = core.takeEffects();
  core.emit({ kind: "greetNode", ipAddr: "10.0.0.3", port: 9701 });
  assertEquals([none.length, one.length, core.takeEffects().length], [0, 1, 1]);
});

Deno.test("ids and positions after a restart are above all that an earlier run gave out", () => {
  const core = emptyCore();
  core.skipPast(41, 7);
  core.skipPast(5, 3);
  assertEquals([core.newId(), core.newId(), core.newSeq()], [42, 43, 8]);
});
