import { assertEquals } from "@std/assert/equals.js";
import { formatJson, formatText, type LogEntry } from "../../../src/log/format.ts";

// A local time, so that the expected text is the same in every time zone.
const TIME_MS = new Date(2026, 10, 22, 10, 11, 12, 123).getTime();

function entry(changes: Partial<LogEntry>): LogEntry {
  return {
    timeMs: TIME_MS,
    level: "info",
    logger: "dispyscheduler",
    message: "node found",
    properties: {},
    ...changes,
  };
}

Deno.test("a text line has local time, level, logger, message and name=value pairs", () => {
  assertEquals(
    formatText(entry({ properties: { node: "127.0.0.2", cpus: 2, idle: true, left: undefined } })),
    "2026-11-22 10:11:12.123 INFO  dispyscheduler: node found node=127.0.0.2 cpus=2 idle=true",
  );
});

Deno.test("the levels' labels line up", () => {
  const labels = (["debug", "info", "warning", "error"] as const).map((level) =>
    formatText(entry({ level })).slice(24, 30)
  );
  assertEquals(labels, ["DEBUG ", "INFO  ", "WARN  ", "ERROR "]);
});

Deno.test("in a text line, values which could be misread are quoted", () => {
  assertEquals(
    formatText(entry({ properties: { a: "two words", b: "", c: "x=y", d: 'q"', e: [1, "z"] } }))
      .split("node found ")[1],
    'a="two words" b="" c="x=y" d="q\\"" e=[1,"z"]',
  );
});

Deno.test("no text from a peer can start a line of its own or move the cursor", () => {
  const forged = "x\n2026-11-22 10:11:12.123 ERROR dispyscheduler: forged \u001b[2J";
  for (const format of [formatText, formatJson]) {
    const line = format(
      entry({
        message: forged,
        properties: { name: forged, [forged]: 1, nested: { [forged]: [forged] } },
      }),
    );
    assertEquals(/\p{Cc}/u.test(line), false, line);
  }
});

Deno.test("a JSON line has time in UTC, level, logger, message and the properties", () => {
  const timeMs = Date.UTC(2026, 10, 22, 10, 11, 12, 123);
  assertEquals(
    formatJson(entry({ timeMs, level: "warning", properties: { cpus: 2, node: { a: null } } })),
    '{"time":"2026-11-22T10:11:12.123Z","level":"warning","logger":"dispyscheduler",' +
      '"message":"node found","cpus":2,"node":{"a":null}}',
  );
});

Deno.test("a property cannot take the place of a JSON line's own fields", () => {
  const line = JSON.parse(formatJson(entry({ properties: { level: "x", message: "y" } })));
  assertEquals(line.level, "info");
  assertEquals(line.message, "node found");
  assertEquals(line.level_, "x");
  assertEquals(line.message_, "y");
});

Deno.test("both formats redact by the property's name", () => {
  for (const format of [formatText, formatJson]) {
    const line = format(
      entry({ properties: { node_secret: "hunter2", peer: { auth: "hunter2" } } }),
    );
    assertEquals(line.includes("hunter2"), false);
    assertEquals(line.split("[redacted]").length, 3);
  }
});
