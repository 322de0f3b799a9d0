import { assertEquals } from "@std/assert/equals.js";
import {
  configureLogging,
  getLogger,
  type LogFormat,
  type LogLevel,
} from "../../../src/log/log.ts";

function capture(level: LogLevel, format: LogFormat = "text"): string[] {
  const lines: string[] = [];
  configureLogging({ level, format, write: (line) => lines.push(line) });
  return lines;
}

/** Text lines without their time. */
function untimed(lines: string[]): string[] {
  return lines.map((line) => line.slice(24));
}

Deno.test("entries below the level are dropped, the others carry logger and properties", () => {
  const log = getLogger("server.discovery");
  const lines = capture("info");
  log.debug("not wanted");
  log.info("node found", { node: "127.0.0.2", cpus: 2 });
  log.warning("node lost");
  log.error("cannot bind");
  assertEquals(untimed(lines), [
    "INFO  dispyscheduler.server.discovery: node found node=127.0.0.2 cpus=2",
    "WARN  dispyscheduler.server.discovery: node lost",
    "ERROR dispyscheduler.server.discovery: cannot bind",
  ]);
});

Deno.test("the last configuration counts, for loggers handed out before it too", () => {
  const log = getLogger();
  const first = capture("error");
  assertEquals(log.isEnabled("debug"), false);
  log.warning("dropped");
  const second = capture("debug");
  assertEquals(log.isEnabled("debug"), true);
  log.debug("kept");
  assertEquals(first, []);
  assertEquals(untimed(second), ["DEBUG dispyscheduler: kept"]);
});

Deno.test("braces in a message are text, not placeholders", () => {
  const lines = capture("info");
  getLogger("wire").info("odd {name} and {", { name: "x" });
  assertEquals(untimed(lines), ["INFO  dispyscheduler.wire: odd {name} and { name=x"]);
});

Deno.test("the json format writes one object a line", () => {
  const lines = capture("info", "json");
  getLogger("server").info("client gone", { client: "a\nb", secret: "s" });
  assertEquals(lines.length, 1);
  const { time, ...rest } = JSON.parse(lines[0] ?? "");
  assertEquals(new Date(time).toISOString(), time);
  assertEquals(rest, {
    level: "info",
    logger: "dispyscheduler.server",
    message: "client gone",
    client: "a\nb",
    secret: "[redacted]",
  });
});

/** Starts a program that may log and has no permission, with pipes for its standard streams. */
function start(program: string): Deno.ChildProcess {
  const head = `
    import { configureLogging, getLogger } from ${
    JSON.stringify(new URL("../../../src/log/log.ts", import.meta.url).href)
  };
    configureLogging({ level: "info", format: "text" });
  `;
  const url = "data:application/typescript," + encodeURIComponent(head + program);
  const config = new URL("../../../deno.json", import.meta.url);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "--no-lock", "--config", config.pathname, url],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    clearEnv: false,
  }).spawn();
}

Deno.test("logging to stderr needs no permission and survives a closed stderr", async () => {
  const child = start(`
    getLogger("probe").info("first", { n: 1 });
    await new Response(Deno.stdin.readable).text(); // until the test has closed our stderr
    for (let n = 0; n < 100; n++) getLogger("probe").info("later", { n });
    console.log("alive");
  `);
  const reader = child.stderr.getReader();
  let shown = "";
  while (!shown.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    shown += new TextDecoder().decode(value);
  }
  await reader.cancel();
  await child.stdin.close();
  const stdout = await new Response(child.stdout).text();
  const { success } = await child.status;
  assertEquals(shown.slice(24), "INFO  dispyscheduler.probe: first n=1\n");
  assertEquals(stdout, "alive\n");
  assertEquals(success, true);
});

Deno.test("a stderr that nobody reads stops nothing; how many lines were dropped is told", async () => {
  const child = start(`
    for (let n = 0; n < 40_000; n++) {
      getLogger("probe").info("x".repeat(200), { n });
      if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    console.log("alive");
  `);
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "alive\n");
  const lines = (await new Response(child.stderr).text()).trimEnd().split("\n");
  assertEquals((await child.status).success, true);
  await reader.cancel();
  await child.stdin.close();
  const told = /log lines lost because stderr did not take them lines=(\d+)$/.exec(lines.at(-1)!);
  assertEquals(lines.length - 1 + Number(told?.[1]), 40_000);
});
