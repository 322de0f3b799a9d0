/** A client hears of a result that is lost on disk: it would wait for ever. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import * as core from "../../../src/core/mod.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { ClientLink } from "../../../src/server/client_link.ts";
import type { Context } from "../../../src/server/context.ts";
import { TransferBudget } from "../../../src/net/transfer_budget.ts";
import { ForeignPayloads } from "../../../src/server/foreign_payloads.ts";
import { LostPayloadError } from "../../../src/server/kept_payload.ts";
import { JobStatus } from "../../../src/wire/mod.ts";
import { inTwoRuns, JOB, REPLY } from "./run.ts";

/** A reply in the first of two runs, made unreadable between them. */
async function withLostResult(
  status: JobStatus,
  test: (link: ClientLink, delivery: core.Delivery) => Promise<void>,
): Promise<void> {
  await inTwoRuns(
    async (run) => {
      const computation = run.computation();
      run.node("10.0.0.2");
      const job = run.job(computation);
      const kept = run.reply({ ...REPLY, status, result: new Uint8Array(1_300_000) });
      await kept.write();
      run.on((c, nowMs) => {
        core.onJobStarted(c, job, job.share!, nowMs);
        const provisional = status === JobStatus.ProvisionalResult;
        const news = { uid: job.uid, hash: job.hash, nodeIpAddr: "10.0.0.2", status, provisional };
        core.onJobReply(c, { ...news, startTimeS: 1, endTimeS: 2, payload: kept }, nowMs);
      });
      await Deno.truncate(`${run.store.folder}/1`, 1000);
    },
    async (run) => {
      const [delivery] = [...run.core.clusters.values()][0]!.deliveries.values();
      const foreign = new ForeignPayloads(new TransferBudget(Infinity));
      const context = { engine: { core: run.core }, foreign } as unknown as Context;
      await test(new ClientLink(context, run.computations.of(delivery!.cluster)), delivery!);
    },
  );
}

Deno.test("a client whose result was damaged is told so, instead of waiting for ever", async () => {
  configureLogging({ level: "info", format: "text", write: () => {} });
  await withLostResult(JobStatus.Finished, async (link, delivery) => {
    using loan = await link.lendReply(delivery);
    const { hash, status, exception, ipAddr } = await loan.read();
    assertEquals([hash, status, ipAddr], [JOB.hash, JobStatus.Abandoned, "10.0.0.2"]);
    assertMatch(
      String(exception),
      /has run, but its result is lost: .* has 1000 of its 130\d+ bytes/,
    );
  });
});

Deno.test("a provisional result that was damaged is not told as the job's end", async () => {
  await withLostResult(JobStatus.ProvisionalResult, async (link, delivery) => {
    using loan = await link.lendReply(delivery);
    await assertRejects(() => loan.read(), LostPayloadError);
  });
});
