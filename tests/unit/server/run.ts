/**
 * A run of a scheduler without its sockets: the core with all that the server keeps beside it and
 * a journal on disk, to be ended as by a kill and followed by another.
 *
 * @module
 */

import * as core from "../../../src/core/mod.ts";
import { checkInvariants } from "../../../src/core/invariants.ts";
import { SqliteDatabase } from "../../../src/journal/sqlite_database.ts";
import type { CoreJournal } from "../../../src/journal/core_journal.ts";
import { type Computation, Computations } from "../../../src/server/computation.ts";
import { FileSet } from "../../../src/server/file_set.ts";
import type { JobPayload } from "../../../src/server/job_payload.ts";
import { KeptPayload, PayloadKeeper, type PayloadMeans } from "../../../src/server/kept_payload.ts";
import { type Holding, MemoryBudget } from "../../../src/server/memory_budget.ts";
import { TransferBudget } from "../../../src/net/transfer_budget.ts";
import {
  COMPUTATION_FORM,
  type ComputationPayload,
  headOf,
  JOB_FORM,
  RESULT_FORM,
} from "../../../src/server/payload_forms.ts";
import type { PyTuple } from "../../../src/pickle/mod.ts";
import {
  fileRecorder,
  filesOf,
  journalOf,
  type Legacy,
  readLegacy,
  takeUp,
} from "../../../src/server/persistence.ts";
import { Quotas } from "../../../src/server/quotas.ts";
import { DiskStore } from "../../../src/store/disk_store.ts";
import {
  type Compute,
  CURRENT_DIALECT,
  decodeClientRequest,
  type Dialect,
  type DispyJob,
  type JobReply,
  JobStatus,
  type NodeAllocSpec,
} from "../../../src/wire/mod.ts";
import { withFolder } from "../journal/folder.ts";
import { messagesOf } from "../wire/fixtures/mod.ts";

/** What a client sends to have a computation, as dispy writes it. */
export const REQUEST = requestOf("COMPUTE");
/** What a client sends to have a job run, as dispy writes it. */
export const JOB: DispyJob = requestOf("JOB").job;

function requestOf<Kind extends "COMPUTE" | "JOB">(kind: Kind) {
  for (const message of messagesOf("from_client")) {
    const request = decodeClientRequest(message);
    if (request.kind === kind) return request as Extract<typeof request, { kind: Kind }>;
  }
  throw new Error(`there is no ${kind} among the fixtures`);
}

/** What nobody charges. */
const NO_HOLDING: Holding = { size: { keptBytes: 0, residentBytes: 0 }, release: () => {} };

const TERMS = { priority: 3, weight: 0.5, maxCpus: 8, maxJobs: 100, maxJobBytes: null };

/** See the module's description. */
export class Run {
  readonly computations = new Computations();
  readonly quotas = new Quotas();
  readonly payloads: PayloadKeeper;
  readonly core: core.Core;
  readonly journal: CoreJournal;
  nowMs = 1_000_000_000_000;

  private constructor(
    readonly store: DiskStore,
    readonly database: SqliteDatabase,
    readonly legacy: Legacy,
  ) {
    this.payloads = new PayloadKeeper(this.#means);
    this.core = new core.Core({
      policy: core.earliestJob,
      pulseIntervalMs: null,
      zombieIntervalMs: null,
      cooperative: false,
      firstId: Math.max(1000, legacy.reservedIds),
      isJournaled: true,
    });
    this.journal = journalOf(this.core, this.computations);
  }

  /** Starts one in `folder`, where an earlier one may have left something. */
  static async start(folder: string): Promise<Run> {
    const store = await DiskStore.open(folder, { clean: false, name: "state" });
    const database = await SqliteDatabase.open(`${store.folder}/journal`, "crash");
    const run = new Run(store, database, readLegacy(database));
    const { legacy } = run;
    const files = await store.removeAllBut(filesOf(legacy));
    run.nowMs += 1_000_000;
    takeUp(run.core, legacy, files, run, run.nowMs);
    run.#check();
    return run;
  }

  /** Has something happen, and what came of it written; returns the effects. */
  on(happen: (core: core.Core, nowMs: number) => void): core.Effect[] {
    happen(this.core, this.nowMs);
    this.commit();
    return this.core.takeEffects();
  }

  /** Writes what has changed. */
  commit(): void {
    this.#check();
    this.database.commit(this.journal.collect());
  }

  /** Ends it as a kill does: what was not committed is gone. */
  async kill(): Promise<void> {
    this.database.close();
    await this.store.close({ keep: true });
  }

  /** A computation of a client; `active` on all nodes unless left as it was received. */
  computation(
    {
      compute = REQUEST.compute,
      allocs = REQUEST.nodeAllocs,
      dialect = CURRENT_DIALECT,
      setupArgs = [],
      reentrant = false,
      isActive = true,
      isCommitted = true,
    }: {
      compute?: Compute;
      allocs?: readonly NodeAllocSpec[];
      /** Arguments for the setup that are kept with the code. */
      setupArgs?: readonly PyTuple[];
      dialect?: Dialect;
      reentrant?: boolean;
      isActive?: boolean;
      isCommitted?: boolean;
    } = {},
  ): Computation {
    const setups = allocs.map((setup) => ({
      pattern: setup.host,
      port: setup.port,
      cpus: setup.cpus,
      setup: setupArgs.length === 0 ? { ...setup, argsAt: null } : { ...setup, argsAt: 0 },
    }));
    const options = {
      allocations: setups,
      reentrant,
      exclusive: false,
      terms: TERMS,
      generation: dialect.generation,
    };
    const cluster = core.onClusterReceived(this.core, "job @ 10.0.0.9", options, this.nowMs);
    const computation: Computation = {
      cluster,
      dialect,
      compute: headOf(compute),
      kept: this.#keptCode({ compute, setupArgs }),
      owner: "10.0.0.9",
      holding: NO_HOLDING,
      clientAuth: "client's",
      nodeAuth: "nodes'",
      client: { hostname: "10.0.0.9", port: 1234 },
      schedulerIpAddr: "10.0.0.1",
      files: new FileSet(fileRecorder(this.journal, cluster.id)),
      terms: TERMS,
    };
    this.computations.add(computation);
    if (!isCommitted) return computation;
    this.on((c, nowMs) => {
      if (!isActive) return;
      core.onScheduleRequested(c, cluster, nowMs);
      core.onClusterAnnounced(c, cluster, nowMs);
    });
    return computation;
  }

  #keptCode(payload: ComputationPayload): KeptPayload<ComputationPayload> {
    const item = {
      ...{ client: "10.0.0.9", sizeBytes: COMPUTATION_FORM.sizeOf(payload) },
      kind: "computation" as const,
    };
    return new KeptPayload(COMPUTATION_FORM, item, this.#means, payload);
  }

  /** A computation whose code is in a file of its own. */
  async largeComputation(compute: Compute): Promise<Computation> {
    const computation = this.computation({ compute, isActive: false, isCommitted: false });
    await computation.kept.write();
    this.commit();
    return computation;
  }

  /** A node that is set up for all computations there are. */
  node(ipAddr: string, cpus = 1): core.Node {
    const info = {
      ...{ ipAddr, port: 9701, sign: `sign of ${ipAddr}`, name: `name-${ipAddr}`, cpus },
      ...{ platform: "Linux", version: "4.15.2", schedulerIpAddr: "10.0.0.1" },
      ...{ schedulerPort: 9700, availInfo: { cpu: 1 } },
    };
    this.on((c, nowMs) => {
      const node = core.onNodeFound(c, info, nowMs);
      for (const share of node.shares.values()) core.onShareReady(c, share, cpus, nowMs);
    });
    return this.core.nodes.get(ipAddr)!;
  }

  /** A job that was submitted, with arguments in the journal. */
  job(computation: Computation, changes: Partial<DispyJob> = {}) {
    return this.#submit(computation, this.#kept(computation, changes));
  }

  /** A job that was submitted, with arguments in a file of their own. */
  async largeJob(computation: Computation, changes: Partial<DispyJob> = {}) {
    const given = this.#kept(computation, changes);
    await given.kept.write();
    return this.#submit(computation, given);
  }

  #kept({ cluster, client: { hostname } }: Computation, changes: Partial<DispyJob>) {
    const job = { ...JOB, computeId: cluster.id, ...changes, uid: this.core.newId() };
    const item = { client: hostname, sizeBytes: JOB_FORM.sizeOf(job), kind: "job" as const };
    return { job, kept: new KeptPayload(JOB_FORM, item, this.#means, job) };
  }

  #submit(
    { cluster, files, client: { hostname } }: Computation,
    { job, kept }: { job: DispyJob & { uid: number }; kept: KeptPayload<DispyJob> },
  ) {
    const { uid } = job;
    const claimed = job.xferFiles.map((xfer) => files.find(xfer)!);
    const sizeBytes = job.args.length;
    const payload: JobPayload = { kept, files: claimed, client: hostname, sizeBytes };
    files.claim(claimed);
    this.quotas.add(hostname, sizeBytes);
    const request = { uid, hash: job.hash, pinnedTo: null, payload };
    this.on((c, nowMs) => {
      core.onJobSubmitted(c, core.onJobOffered(c, cluster, request, nowMs), nowMs);
    });
    return this.core.jobs.get(uid)!;
  }

  /** A reply as the core gets it. */
  reply(reply: JobReply): KeptPayload<JobReply> {
    const item = {
      client: "10.0.0.9",
      sizeBytes: RESULT_FORM.sizeOf(reply),
      kind: "result" as const,
    };
    return new KeptPayload(RESULT_FORM, item, this.#means, reply);
  }

  /** A file of a client's. */
  async file({ cluster, files }: Computation, name: string, permanent: boolean) {
    const xfer = {
      ...{ name: `/home/me/${name}`, destPath: "data", computeId: cluster.id, sep: "/" },
      ...{ stat: { sizeBytes: 4, mode: 0o100640, atimeS: 1, mtimeS: 2, original: null } },
      extra: null,
    };
    const writer = await this.store.create(4);
    await writer.write(new TextEncoder().encode(name.padEnd(4).slice(0, 4)));
    files.add(xfer, await writer.finish(), NO_HOLDING, permanent, this.nowMs);
    this.commit();
    return xfer;
  }

  get #means(): PayloadMeans {
    const limits = {
      ...{ memoryBytes: Infinity, residentBytes: Infinity, keptBytes: Infinity },
      maxItems: Infinity,
    };
    return {
      budget: new MemoryBudget(limits),
      store: this.store,
      sending: new TransferBudget(Infinity),
      journal: this.database,
    };
  }

  #check(): void {
    const problems = checkInvariants(this.core);
    if (problems.length > 0) throw new Error(problems.join("; "));
  }
}

/** Two runs, one after the other: the second finds what the first has left when it was killed. */
export async function inTwoRuns(
  first: (run: Run) => void | Promise<void>,
  second: (run: Run) => void | Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const one = await Run.start(folder);
    await first(one);
    await one.kill();
    const two = await Run.start(folder);
    await second(two);
    await two.kill();
  });
}

/** A reply of a node, as small as it may be. */
export const REPLY: JobReply = {
  ...{ uid: 1, hash: "hash", ipAddr: "10.0.0.2", status: JobStatus.Finished, result: null },
  ...{ stdout: null, stderr: null, exception: null, startTimeS: 1, endTimeS: 2, cpus: null },
  extra: null,
};
