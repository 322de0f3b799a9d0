/** What a run has accepted is there in the next one, down to each attribute. */

import { assertEquals } from "@std/assert/equals.js";
import { assertNotEquals } from "@std/assert/not_equals.js";
import { assertThrows } from "@std/assert/throws.js";
import * as core from "../../../src/core/mod.ts";
import { pack, type Packable, unpack } from "../../../src/journal/packing.ts";
import { UnusableJournalError } from "../../../src/journal/sqlite_errors.ts";
import type { JobPayload } from "../../../src/server/job_payload.ts";
import type { KeptPayload } from "../../../src/server/kept_payload.ts";
import { readLegacy, type SetupSpec } from "../../../src/server/persistence.ts";
import {
  type Compute,
  decodeClientRequest,
  decodeNodeRequest,
  dialectOf,
  encodeBareJobReply,
  encodeCompute,
  encodeDispyJob,
  encodeNodeAllocSpec,
  encodeXferFile,
  type JobReply,
  type NodeAllocSpec,
} from "../../../src/wire/mod.ts";
import { dumps, PyDict, PyTuple } from "../../../src/pickle/mod.ts";
import { withFolder } from "../journal/folder.ts";
import { joined } from "../wire/codecs.ts";
import { messagesOf } from "../wire/fixtures/mod.ts";
import { inTwoRuns, JOB, REPLY, REQUEST, Run } from "./run.ts";

const onlyCluster = (run: Run) => [...run.core.clusters.values()][0]!;
const onlyComputation = (run: Run) => run.computations.of(onlyCluster(run));

Deno.test("a computation comes back as dispy would write it, with attributes that are not known", async () => {
  const computes: Compute[] = [];
  for (const message of messagesOf("from_client")) {
    const request = decodeClientRequest(message);
    if (request.kind === "COMPUTE") computes.push(request.compute);
  }
  const odd = PyDict.from({ ours: "öäü 😀", theirs: new Uint8Array([0, 255]) });
  computes.push({ ...REQUEST.compute, name: "/opt/prog", code: "def f(): return '☃'", extra: odd });
  for (const compute of computes) {
    await inTwoRuns(
      (run) => void run.computation({ compute, dialect: dialectOf("4.10.6", 2) }),
      async (run) => {
        const computation = onlyComputation(run);
        const { compute: head, kept } = computation;
        // No more than its description is in memory before a node needs the rest.
        assertEquals([kept.isInMemory, head.code, head.name], [false, "", compute.name]);
        using loan = await kept.lend();
        const { compute: whole } = await loan.read();
        assertEquals(dumps(encodeCompute(whole)), dumps(encodeCompute(compute)));
        const { clientAuth, nodeAuth, client, schedulerIpAddr, terms, dialect } = computation;
        assertEquals(dialect, dialectOf("4.10.6", 2));
        assertEquals({ clientAuth, nodeAuth, client, schedulerIpAddr, terms }, {
          clientAuth: "client's",
          nodeAuth: "nodes'",
          client: { hostname: "10.0.0.9", port: 1234 },
          schedulerIpAddr: "10.0.0.1",
          terms: { priority: 3, weight: 0.5, maxCpus: 8, maxJobs: 100, maxJobBytes: null },
        });
        assertEquals(run.computations.find(computation.cluster.id, "client's"), computation);
      },
    );
  }
});

Deno.test("large code comes back from a file of its own, and is charged before it is needed", async () => {
  const compute = { ...REQUEST.compute, code: "#".repeat(1_500_000) };
  await inTwoRuns(
    async (run) => {
      await run.largeComputation(compute);
      const [row] = run.database.rows("cluster");
      assertEquals(row!.payload!.length < 10_000, true);
    },
    async (run) => {
      const { kept, compute: head } = onlyComputation(run);
      assertEquals([kept.isInMemory, head.code, head.name], [false, "", compute.name]);
      assertEquals(run.payloads.budget.keptBytes > 1_500_000, true);
      assertEquals(run.payloads.budget.residentBytes < 20_000, true);
      using loan = await kept.lend();
      const whole = (await loan.read()).compute;
      assertEquals(dumps(encodeCompute(whole)), dumps(encodeCompute(compute)));
    },
  );
});

Deno.test("arguments for a setup that are kept with the code come back", async () => {
  const setupArgs = [new PyTuple([new Uint8Array(10_000).fill(7), "☃"])];
  await inTwoRuns(
    (run) => void run.computation({ setupArgs }),
    async (run) => {
      const { setup } = onlyCluster(run).allocations[0]!;
      assertEquals((setup as SetupSpec).argsAt, 0);
      using loan = await onlyComputation(run).kept.lend();
      assertEquals((await loan.read()).setupArgs, setupArgs);
    },
  );
});

Deno.test("a computation that the first version has written can still be read", async () => {
  await inTwoRuns(
    (run) => {
      const { cluster } = run.computation();
      // Names were as long as a client liked.
      const compute = { ...REQUEST.compute, name: "n".repeat(100_000) };
      const terms = { priority: 0, weight: 1, maxCpus: null, maxJobs: null, maxJobBytes: null };
      const payload = pack([
        ...[dumps(encodeCompute(compute)), "client's", "nodes'", "10.0.0.9", 1234, "10.0.0.1"],
        terms,
      ]);
      const { record } = [...run.database.rows("cluster")][0]!;
      run.database.commit([{ kind: "put", table: "cluster", key: cluster.id, record, payload }]);
    },
    async (run) => {
      const { owner, kept, compute } = onlyComputation(run);
      assertEquals([owner, compute.name.length], ["10.0.0.9", 100_000]);
      using loan = await kept.lend();
      assertEquals((await loan.read()).compute.code, REQUEST.compute.code);
      // It counts, and may be more than a new one may have.
      assertEquals(run.payloads.budget.residentBytes > 100_000, true);
    },
  );
});

Deno.test("files count in a later run, too, and no longer once they are gone", async () => {
  await inTwoRuns(
    async (run) => void await run.file(run.computation(), "a", true),
    async (run) => {
      const { budget } = run.payloads;
      const before = [budget.keptBytes, budget.residentBytes];
      await onlyComputation(run).files.clear();
      assertEquals(before[0]! - budget.keptBytes, 4);
      assertEquals(before[1]! - budget.residentBytes > 1000, true);
    },
  );
});

Deno.test("node lists come back with the objects that users gave for their setup", async () => {
  const lists: (readonly NodeAllocSpec[])[] = [];
  for (const message of messagesOf("from_client")) {
    const request = decodeClientRequest(message);
    if (request.kind === "COMPUTE") lists.push(request.nodeAllocs);
  }
  for (const allocs of lists) {
    await inTwoRuns(
      (run) => void run.computation({ allocs }),
      (run) => {
        const setups = onlyCluster(run).allocations.map(({ setup }) => setup as NodeAllocSpec);
        const written = (specs: readonly NodeAllocSpec[]) =>
          specs.map((spec) => String(dumps(encodeNodeAllocSpec(spec)))).sort();
        assertEquals(written(setups), written(allocs));
      },
    );
  }
});

Deno.test("jobs come back in their order, with arguments, files, client and what it is charged", async () => {
  await inTwoRuns(
    async (run) => {
      const computation = run.computation();
      const xfer = await run.file(computation, "a", false);
      run.node("10.0.0.2");
      run.job(computation, { hash: "runs" });
      run.job(computation, { hash: "waits", xferFiles: [xfer], code: "x = '☃'" });
      run.job(computation, { hash: "last", args: new Uint8Array(70_000).fill(7) });
    },
    async (run) => {
      const jobs = [...run.core.jobs.values()];
      assertEquals(jobs.map(({ hash, state }) => [hash, state]), [
        ["runs", "assigned"],
        ["waits", "queued"],
        ["last", "queued"],
      ]);
      assertEquals([...onlyCluster(run).queue].map(({ hash }) => hash), ["waits", "last"]);
      const payloads = jobs.map(({ payload }) => payload as JobPayload);
      assertEquals(payloads.map(({ client }) => client), Array(3).fill("10.0.0.9"));
      assertEquals(payloads.map(({ kept }) => kept.isInMemory), Array(3).fill(false));
      const [runs, waits, last] = await Promise.all(
        payloads.map(async ({ kept }) => (await kept.lend()).read()),
      );
      assertEquals(last?.args, new Uint8Array(70_000).fill(7));
      const expected = { ...JOB, uid: jobs[0]!.uid, computeId: onlyCluster(run).id, hash: "runs" };
      assertEquals(dumps(encodeDispyJob(runs!)), dumps(encodeDispyJob(expected)));
      assertEquals(waits?.code, "x = '☃'");
      assertEquals(payloads[1]?.files.map(({ xfer, jobs }) => [xfer.name, jobs]), [
        ["/home/me/a", 1],
      ]);
      const terms = { ...onlyComputation(run).terms, maxJobs: 3, maxJobBytes: 70_000 };
      assertEquals(run.quotas.refusal("10.0.0.9", 0, terms)?.includes("has 3 jobs"), true);
      const bytes = run.quotas.refusal("10.0.0.9", 0, { ...terms, maxJobs: null });
      assertEquals(bytes?.includes(`${70_000 + 2 * JOB.args.length} bytes`), true);
    },
  );
});

Deno.test("large arguments and results come back from their files, which are not loaded before", async () => {
  const args = new Uint8Array(1_200_000).fill(5);
  const reply = { ...REPLY, result: new Uint8Array(1_300_000).fill(6) };
  await inTwoRuns(
    async (run) => {
      const computation = run.computation();
      run.node("10.0.0.2");
      const done = run.job(computation, { hash: "done" });
      const kept = run.reply(reply);
      await kept.write();
      run.on((c, nowMs) => {
        core.onJobStarted(c, done, done.share!, nowMs);
        const news = {
          ...{ uid: done.uid, hash: done.hash, nodeIpAddr: "10.0.0.2", status: 11 },
          ...{ provisional: false, startTimeS: 1, endTimeS: 2, payload: kept },
        };
        core.onJobReply(c, news, nowMs);
      });
      await run.largeJob(computation, { hash: "waits", args });
      for (const { payload } of [...run.database.rows("job"), ...run.database.rows("result")]) {
        assertEquals(payload?.length, 0);
      }
    },
    async (run) => {
      const [job] = run.core.jobs.values();
      const [delivery] = onlyCluster(run).deliveries.values();
      const given = (job!.payload as JobPayload).kept;
      const result = delivery!.payload as KeptPayload<JobReply>;
      assertEquals([given.isInMemory, result.isInMemory], [false, false]);
      assertEquals((await (await given.lend()).read()).args, args);
      assertEquals((await (await result.lend()).read()).result, reply.result);
      for (const kept of [given, result]) await kept.drop();
      const left = [...Deno.readDirSync(run.store.folder)].map(({ name }) => name);
      assertEquals(left.filter((name) => /^\d+$/.test(name)), []);
    },
  );
});

Deno.test("results come back as the node sent them, whatever they print or raise", async () => {
  const replies: JobReply[] = [];
  for (const message of messagesOf("from_node")) {
    const request = decodeNodeRequest(message);
    if (request.kind === "JOB_REPLY") replies.push(request.reply);
  }
  const [reply] = replies;
  replies.push(
    { ...reply!, result: new Uint8Array(100_000).fill(3), stdout: null, stderr: null },
    { ...reply!, result: null, stdout: new Uint8Array([0xff, 0]), exception: "Traceback: ☃" },
  );
  for (const reply of replies) {
    await inTwoRuns(
      (run) => {
        const computation = run.computation();
        run.node("10.0.0.2");
        const job = run.job(computation);
        run.on((c, nowMs) => {
          core.onJobStarted(c, job, job.share!, nowMs);
          const news = {
            ...{ uid: job.uid, hash: job.hash, nodeIpAddr: "10.0.0.2", status: 11 },
            ...{ provisional: false, startTimeS: 1, endTimeS: 2, payload: run.reply(reply) },
          };
          core.onJobReply(c, news, nowMs);
        });
      },
      async (run) => {
        const [delivery] = onlyCluster(run).deliveries.values();
        assertEquals([delivery?.hash, delivery?.nodeIpAddr], [JOB.hash, "10.0.0.2"]);
        using kept = await (delivery!.payload as KeptPayload<JobReply>).lend();
        const written = (reply: JobReply) => joined(encodeBareJobReply(reply));
        assertEquals(written(await kept.read()), written(reply));
        assertEquals(run.core.jobs.size, 0);
      },
    );
  }
});

Deno.test("files come back with their descriptions; the numbers of others are not used again", async () => {
  await inTwoRuns(
    async (run) => {
      const computation = run.computation({ isActive: false });
      await run.file(computation, "mine", true);
      await run.file(computation, "jobs", false);
    },
    async (run) => {
      const { files } = onlyComputation(run);
      for (const [number, name] of [[1, "mine"], [2, "jobs"]] as const) {
        const xfer = run.legacy.files.find((file) => file.number === number)!.xfer;
        const file = files.find(xfer)!;
        assertEquals([file.permanent, file.kept.sizeBytes], [name === "mine", 4]);
        assertEquals(dumps(encodeXferFile(file.xfer)), dumps(encodeXferFile(xfer)));
        const reader = await file.kept.open();
        const buffer = new Uint8Array(10);
        assertEquals(await reader.read(buffer), 4);
        assertEquals(new TextDecoder().decode(buffer.subarray(0, 4)), name);
        reader.close();
      }
      const next = await run.store.create(1);
      assertEquals((await next.finish()).number, 3);
    },
  );
});

Deno.test("files whose end was not noted are forgotten, unless somebody needs them", async () => {
  await inTwoRuns(
    async (run) => {
      const computation = run.computation();
      await run.file(computation, "gone", false);
      await run.file(computation, "perm", true);
      const needed = await run.file(computation, "need", false);
      run.job(computation, { xferFiles: [needed] });
      for (const number of [1, 2, 3]) await Deno.remove(`${run.store.folder}/${number}`);
      // Without a row, as a file that was being received: removed.
      await Deno.writeTextFile(`${run.store.folder}/4`, "half");
    },
    (run) => {
      const { files } = onlyComputation(run);
      const found = run.legacy.files.map(({ xfer }) => files.find(xfer)?.xfer.name ?? null);
      assertEquals(found, [null, "/home/me/perm", "/home/me/need"]);
      assertEquals([...Deno.readDirSync(run.store.folder)].some(({ name }) => name === "4"), false);
      run.commit();
      const left = Array.from(run.database.rows("file"), ({ key }) => key);
      assertEquals(left, [2, 3]);
    },
  );
});

/** When, at the end of a computation with files, a run may be killed. */
const ENDS: Record<string, (run: Run, cluster: core.Cluster) => Promise<void> | void> = {
  "is over": () => {},
  "is over but for a result": (run, cluster) => {
    const job = run.job(run.computations.of(cluster));
    run.on((c, nowMs) => core.onJobCancelled(c, cluster, job.uid, nowMs));
  },
};

for (const [when, prepare] of Object.entries(ENDS)) {
  Deno.test(`of a computation that ${when} no file is left, also if the run was killed right then`, async () => {
    await withFolder(async (folder) => {
      const run = await Run.start(folder);
      const computation = run.computation();
      const { cluster } = computation;
      await run.file(computation, "a", true);
      await run.file(computation, "b", false);
      await prepare(run, cluster);
      run.on((c, nowMs) => core.onShutdown(c, nowMs));
      assertEquals(cluster.state, "closed");
      // What removes the files is an effect of this commit, and the kill comes first.
      await run.kill();
      for (let times = 0; times < 2; times++) {
        const next = await Run.start(folder);
        next.commit();
        assertEquals([...next.database.rows("file")], []);
        assertEquals(await next.store.hasFiles(), false);
        assertEquals(next.core.clusters.size, prepare === ENDS["is over"] ? 0 : 1);
        await next.kill();
      }
    });
  });
}

Deno.test("a job that comes and goes between two commits writes nothing", async () => {
  await withFolder(async (folder) => {
    const run = await Run.start(folder);
    const { cluster } = run.computation();
    const request = { uid: run.core.newId(), hash: "h", pinnedTo: null, payload: "not looked at" };
    const job = core.onJobOffered(run.core, cluster, request, run.nowMs);
    core.onJobWithdrawn(run.core, job);
    assertEquals(run.journal.collect(), []);
    await run.kill();
  });
});

Deno.test("a run leaves nothing behind of a computation that is over", async () => {
  await withFolder(async (folder) => {
    const run = await Run.start(folder);
    const computation = run.computation();
    const { cluster } = computation;
    await run.file(computation, "a", true);
    const node = run.node("10.0.0.2");
    const job = run.job(computation);
    run.on((c, nowMs) => core.onJobStarted(c, job, job.share!, nowMs));
    run.on((c, nowMs) => core.onClusterClosed(c, cluster, true, nowMs));
    await computation.files.clear();
    const share = node.shares.get(cluster.id)!;
    run.on((c, nowMs) => core.onShareClosed(c, share, nowMs));
    run.on((c, nowMs) => core.onNodeTerminated(c, node, nowMs));
    assertEquals(run.core.clusters.size, 0);
    for (
      const table of ["cluster", "node", "share", "job", "job_place", "result", "file"] as const
    ) {
      assertEquals([...run.database.rows(table)], [], table);
    }
    await run.kill();
  });
});

Deno.test("what was not committed when the run was killed has never been", async () => {
  await inTwoRuns(
    (run) => {
      const { cluster } = run.computation();
      const request = { uid: run.core.newId(), hash: "h", pinnedTo: null, payload: null };
      core.onJobOffered(run.core, cluster, request, run.nowMs);
    },
    (run) => assertEquals([run.core.clusters.size, run.core.jobs.size], [1, 0]),
  );
});

Deno.test("what there is one of comes back, and has a default in a new journal", async () => {
  await inTwoRuns(
    (run) => {
      const { sign, knownHosts, cpuLimits } = run.legacy;
      assertEquals({ sign, knownHosts, cpuLimits }, { sign: null, knownHosts: [], cpuLimits: {} });
      run.journal.put("meta", "sign", "our sign");
      run.journal.put("meta", "known_hosts", ["10.0.0.2", "192.0.2.1"]);
      run.journal.put("meta", "cpu_limits", { "10.0.0.2": 0 });
      run.commit();
    },
    (run) => {
      const { sign, knownHosts, cpuLimits } = run.legacy;
      assertEquals({ sign, knownHosts, cpuLimits }, {
        sign: "our sign",
        knownHosts: ["10.0.0.2", "192.0.2.1"],
        cpuLimits: { "10.0.0.2": 0 },
      });
    },
  );
});

Deno.test("a later run gives out no id again, even where its clock is wrong", async () => {
  let last = 0;
  await inTwoRuns(
    (run) => {
      const computation = run.computation();
      for (let job = 0; job < 10; job++) last = run.job(computation).uid;
      // Given out and lost: whoever was told of it must not meet it again.
      last = run.core.newId();
    },
    (run) => {
      const next = run.core.newId();
      assertEquals(next > last, true, `${next} after ${last}`);
      assertNotEquals(run.legacy.reservedIds, 0);
    },
  );
});

Deno.test("runs follow each other without a loss", async () => {
  await withFolder(async (folder) => {
    const run = await Run.start(folder);
    const computation = run.computation({ reentrant: true });
    run.node("10.0.0.2", 2);
    for (let job = 0; job < 5; job++) run.job(computation, { hash: `hash ${job}` });
    await run.kill();
    for (let round = 0; round < 4; round++) {
      const next = await Run.start(folder);
      const hashes = [...next.core.jobs.values()].map(({ hash }) => hash);
      assertEquals(hashes, [0, 1, 2, 3, 4].map((job) => `hash ${job}`).slice(0, 5));
      assertEquals([...next.core.nodes.keys()], ["10.0.0.2"]);
      assertEquals(next.core.nodes.get("10.0.0.2")?.busy, 2);
      await next.kill();
    }
  });
});

Deno.test("what a client and a node speak comes back; an older journal has today's dialect", async () => {
  await withFolder(async (folder) => {
    const run = await Run.start(folder);
    const old = { dialect: dialectOf("4.9.1") };
    const { cluster } = run.computation(old);
    await run.kill();
    const next = await Run.start(folder);
    const restored = next.computations.get(cluster.id)!;
    assertEquals(restored.dialect, old.dialect);
    assertEquals(restored.cluster.options.generation, "dispy ≤ 4.10");

    // As it was written before there were dialects.
    const [row] = [...next.database.rows("cluster")];
    const packed = unpack<unknown[]>(next.database.payload("cluster", cluster.id)!);
    const { generation: _, ...record } = unpack<Record<string, Packable>>(row!.record);
    next.database.commit([{
      ...{ kind: "put", table: "cluster", key: cluster.id } as const,
      record: pack(record),
      payload: pack(packed.slice(0, 7) as Packable),
    }]);
    await next.kill();
    const last = await Run.start(folder);
    assertEquals(last.computations.get(cluster.id)!.dialect, dialectOf(null));
    assertEquals(last.core.clusters.get(cluster.id)!.options.generation, undefined);
    await last.kill();
  });
});

/** Rows that this program does not write, each of a table that is read. */
const WRONG = {
  "a record that is no MessagePack": ["job", 1, new Uint8Array([0xc1]), null],
  "a job that is no pickle": [
    "job",
    1,
    pack([1, "h", 1, null, 1, [[], "c", 1]]),
    new Uint8Array(3),
  ],
  "a computation without its own": ["cluster", 1, pack({ allocations: [] }), null],
  "a computation that is damaged": [
    "cluster",
    1,
    pack({ allocations: [] }),
    pack([new Uint8Array([128, 4, 140, 200]), "", "", "", 1, "", {}]),
  ],
  "a file without description": ["file", 1, pack([1, 1, true]), null],
  "a job of no computation": [
    "job",
    1,
    pack([1, "h", 1, null, 1, [[], "c", 1]]),
    dumps(encodeDispyJob(JOB)),
  ],
  "a use of a node that there is not": [
    "share",
    "1 10.0.0.2",
    pack({ clusterId: 1, nodeIpAddr: "10.0.0.2", state: "ready", pattern: "*", maxCpus: 1 }),
    null,
  ],
  "a node of which nothing is said": ["node", "10.0.0.2", pack(null), null],
  "a result that is none": ["result", 1, pack([1, 1, "h", null, 1, null, 1]), new Uint8Array(3)],
} as const;

for (const [what, [table, key, record, payload]] of Object.entries(WRONG)) {
  Deno.test(`${what} makes the journal unusable, with a message and no crash`, async () => {
    await withFolder(async (folder) => {
      const run = await Run.start(folder);
      run.database.commit([{ kind: "put", table, key, record, payload }]);
      const error = assertThrows(() => readLegacy(run.database), UnusableJournalError);
      assertEquals(error.message.startsWith("what it holds cannot be read: "), true);
      await run.kill();
    });
  });
}
