/** What would not go into the journal's rows is refused when it comes: nothing waits behind it. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { concat } from "@std/bytes/concat.js";
import { Core, earliestJob } from "../../../src/core/mod.ts";
import { type Database, MAX_PAYLOAD_BYTES } from "../../../src/journal/database.ts";
import { Journal } from "../../../src/journal/journal.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { PyDict } from "../../../src/pickle/mod.ts";
import { ClientSide, type ClientSideParts } from "../../../src/server/client_side.ts";
import { Engine } from "../../../src/server/engine.ts";
import { FileIntake } from "../../../src/server/file_intake.ts";
import { JOB_FORM } from "../../../src/server/payload_forms.ts";
import { encodeClientRequest, type MessageStream, type XferFile } from "../../../src/wire/mod.ts";
import { Bench, FAMILY, HOST } from "./bench.ts";
import { JOB } from "./run.ts";

const MB = 1024 * 1024;

/** What one line of the log says. */
function logged(): string[] {
  const lines: string[] = [];
  configureLogging({ level: "info", format: "text", write: (line) => lines.push(line) });
  return lines;
}

/** A connection of a client that sends these parts; what it is told goes to `told`. */
function streamOf(parts: Uint8Array[], told: Uint8Array[]): MessageStream {
  const next = () => Promise.resolve(parts.shift()!);
  return {
    remoteAddr: { hostname: HOST, port: 1 },
    readExactly: next,
    readMessage: next,
    writeMessage: (...chunks: Uint8Array[]) => Promise.resolve(void told.push(concat(chunks))),
  } as unknown as MessageStream;
}

Deno.test("of what comes for the journal, only as much is taken as it can be written down", () => {
  const core = new Core({
    ...{ policy: earliestJob, pulseIntervalMs: null, zombieIntervalMs: null },
    ...{ cooperative: false, firstId: 1 },
  });
  const database: Database = {
    rows: () => [],
    payload: () => null,
    commit: () => {},
    shrink: () => {},
    shortage: null,
    replenish: () => {},
    sizeBytes: 0,
    close: () => {},
  };
  const engine = new Engine(core, new Journal(database, () => []));
  assertEquals(engine.cannotKeep(100 * MB), null);
  // What it refers to may be written as often as that, beside all else.
  assertMatch(engine.cannotKeep(MAX_PAYLOAD_BYTES / 2)!, /cannot keep 475000000 bytes; with --dur/);
  assertEquals(new Engine(core).cannotKeep(MAX_PAYLOAD_BYTES), null);
});

Deno.test("all that a job brings counts, also attributes that nobody knows", () => {
  const job = { ...JOB, xferFiles: [], extra: null };
  const plain = job.args.length + job.kwargs.length + job.code.length;
  assertEquals(JOB_FORM.sizeOf(job), plain);
  const extra = PyDict.from({ ours: new Uint8Array(2 * MB) });
  assertEquals(JOB_FORM.sizeOf({ ...job, extra }) > plain + 2 * MB, true);
  assertEquals(JOB_FORM.sizeOf({ ...job, hash: "h".repeat(MB) }) > plain + MB, true);
});

Deno.test("a job with a description that is too long is refused, one with long arguments is not", async () => {
  for (const [where, isRefused] of [["extra", true], ["args", false]] as const) {
    const lines = logged();
    await using bench = new Bench();
    const { cluster, clientAuth: auth } = bench.computation();
    const extra = PyDict.from({ ours: "x".repeat(17 * MB) });
    const long = { extra, args: new Uint8Array(17 * MB) };
    const job = { ...JOB, xferFiles: [], computeId: cluster.id, [where]: long[where] };
    const message = concat(encodeClientRequest({ kind: "JOB", job, node: null, auth }));
    const told: Uint8Array[] = [];
    const side = new ClientSide(bench.context, {} as ClientSideParts);
    const guest = { proved: () => {} } as Parameters<typeof side.serve>[2];
    // The client's answer to a uid is that it has heard it.
    const parts = [bench.context.clusterAuth, message, new TextEncoder().encode("ACK")];
    await side.serve(streamOf(parts, told), FAMILY, guest);
    assertEquals([told.length, cluster.jobs.size], [1, isRefused ? 0 : 1]);
    const said = lines.some((line) => /job refused .*description takes 178\d+ bytes/.test(line));
    assertEquals(said, isRefused);
  }
});

Deno.test("files count towards the budget of their client; one beyond it is refused, and why is told", async () => {
  const lines = logged();
  await using bench = new Bench({ memoryBudgetBytes: 64 * MB });
  const computation = bench.computation();
  const { cluster, files } = computation;
  const send = async (name: string, sizeBytes: number) => {
    const xfer: XferFile = {
      ...{ name, destPath: "", computeId: cluster.id, sep: "/", extra: null },
      stat: { sizeBytes, mode: 0o100640, atimeS: 1, mtimeS: 2, original: null },
    };
    const told: Uint8Array[] = [];
    const stream = {
      ...streamOf([], told),
      readSome: (buffer: Uint8Array) => Promise.resolve(buffer.length === 1 ? null : buffer.length),
    } as unknown as MessageStream;
    await new FileIntake(bench.context).take(stream, xfer, 200);
    return files.find(xfer);
  };
  const { budget } = bench.context.payloads;
  // 9 MB for one address: see memory_plan.ts.
  assertEquals((await send("/a", 4000))?.kept.sizeBytes, 4000);
  assertEquals([budget.keptBytes, await send("/b", 9 * MB)], [4000, undefined]);
  assertMatch(
    lines.join("\n"),
    /file of a client refused .*already and this file 9437184; the limit/,
  );
  assertMatch(files.refusal, /^; the last that was refused: what is kept for client 127\.0\.0\.1/);
  // A file that is refused half way is charged no longer.
  assertEquals(budget.keptBytes, 4000);
  await files.clear();
  assertEquals([budget.keptBytes, budget.residentBytes], [0, 0]);
});

Deno.test("a file with a description that is too long is refused", async () => {
  const lines = logged();
  await using bench = new Bench();
  const { cluster, files } = bench.computation();
  const xfer: XferFile = {
    ...{ name: "/home/me/a", destPath: "", computeId: cluster.id, sep: "/", extra: null },
    stat: { sizeBytes: 4, mode: 0o100640, atimeS: 1, mtimeS: 2, original: null },
  };
  await new FileIntake(bench.context).take(streamOf([], []), xfer, 17 * MB);
  assertEquals(files.find(xfer), undefined);
  assertMatch(lines.join("\n"), /refused .*its description takes/);
});
