import { assertEquals } from "@std/assert/equals.js";
import type { Logger } from "../../../src/log/log.ts";
import { RepeatLimiter } from "../../../src/log/repeat_limiter.ts";

/** A logger which remembers what it was told. */
function recorder(): { log: Logger; said: unknown[][] } {
  const said: unknown[][] = [];
  const log: Logger = {
    debug: (message, properties) => said.push(["debug", message, properties]),
    info: (message, properties) => said.push(["info", message, properties]),
    warning: (message, properties) => said.push(["warning", message, properties]),
    error: (message, properties) => said.push(["error", message, properties]),
    isEnabled: () => true,
  };
  return { log, said };
}

Deno.test("the same thing is said once an interval, then with how many were suppressed", () => {
  const { log, said } = recorder();
  let nowMs = 5;
  const repeats = new RepeatLimiter(log, { intervalMs: 100, nowMs: () => nowMs });
  for (nowMs of [5, 50, 104, 105, 206]) repeats.warning("k", "refused", { node: "n" });
  assertEquals(said, [
    ["warning", "refused", { node: "n" }],
    ["warning", "refused", { node: "n", suppressed: 2 }],
    ["warning", "refused", { node: "n" }],
  ]);
});

Deno.test("different keys do not silence each other, and each level reaches its own", () => {
  const { log, said } = recorder();
  const repeats = new RepeatLimiter(log, { intervalMs: 100, nowMs: () => 0 });
  repeats.info("a", "one");
  repeats.error("b", "two");
  repeats.info("a", "one");
  assertEquals(said, [["info", "one", {}], ["error", "two", {}]]);
});

Deno.test("no more keys are remembered than the limit; the longest silent is forgotten", () => {
  const { log, said } = recorder();
  let nowMs = 0;
  const repeats = new RepeatLimiter(log, { intervalMs: 100, maxKeys: 2, nowMs: () => nowMs });
  for (const key of ["a", "b", "c", "b", "c", "a"]) {
    nowMs++;
    repeats.info(key, key);
  }
  assertEquals(said.map(([, message]) => message), ["a", "b", "c", "a"]);
});

Deno.test("many keys write no more lines an interval than the limit; the next line counts them", () => {
  const { log, said } = recorder();
  let nowMs = 0;
  const options = { intervalMs: 100, maxPerInterval: 2, nowMs: () => nowMs };
  const repeats = new RepeatLimiter(log, options);
  for (let number = 0; number < 50; number++) repeats.warning(`key ${number}`, "refused");
  nowMs = 100;
  repeats.warning("another", "refused");
  assertEquals(said, [
    ["warning", "refused", {}],
    ["warning", "refused", {}],
    ["warning", "refused", { suppressed: 48 }],
  ]);
});
