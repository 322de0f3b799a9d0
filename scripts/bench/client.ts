/**
 * A fake dispy client: it speaks to the scheduler as `SharedJobCluster` does, submits jobs and
 * counts what comes back.
 *
 * Started by the benchmark with a {@linkcode Load} as its argument; after warming up it waits for a
 * line on standard input.
 *
 * @module
 */

import { dumps, PyDict, PyTuple } from "../../src/pickle/mod.ts";
import { decodeIntAnswer } from "../../src/wire/answers.ts";
import { authCode, FILLER_AUTH } from "../../src/wire/auth.ts";
import { decodeClientAnswer, decodeClientComputeAnswer } from "../../src/wire/client_answers.ts";
import type { MessageStream } from "../../src/wire/framing.ts";
import {
  type ClientRequest,
  type ComputeRef,
  encodeClientRequest,
} from "../../src/wire/from_client.ts";
import { ComputeType, NodeStatus } from "../../src/wire/status.ts";
import { ACK, isAck } from "../../src/wire/tags.ts";
import { decodeToClient } from "../../src/wire/to_client.ts";
import {
  CLIENT_HOSTNAME,
  connectTo,
  DISPY_VERSION,
  type Load,
  MAX_MESSAGE_BYTES,
  SCHEDULER,
  serve,
  tell,
  troubleOf,
} from "./load.ts";

/** Without any result for so long, those that are missing count as lost. */
const QUIET_MS = 15_000;

const PROGRESS_MS = 5_000;

const ARGS = dumps(new PyTuple([1n]));
const KWARGS = dumps(new PyDict());

const load: Load = JSON.parse(Deno.args[0] ?? "");

function trouble(error: unknown): void {
  tell({ event: "trouble", message: troubleOf(error) });
}

/** A job's hash is its number: 40 hex digits, as those of dispy. */
function hashOf(job: number): string {
  return job.toString(16).padStart(40, "0");
}

class FakeClient {
  readonly #initialized = new Set<string>();
  readonly #resultsOfJob = new Uint8Array(load.warmUpJobs + load.jobs);
  readonly #latenciesMs: number[] = [];
  #answered = 0;
  #doubled = 0;
  #refused = 0;
  #connections = 0;
  #lastProgressMs = 0;
  /** Called after each thing that happened: whoever waits looks whether it was that. */
  readonly #watchers = new Set<() => void>();
  #auth: Uint8Array = FILLER_AUTH;
  #compute: ComputeRef = { computeId: 0, auth: "" };
  #scheduledMs: number | undefined;

  /** Announces a computation and waits until every node has it. */
  async setUp(): Promise<void> {
    const listener = Deno.listen({ hostname: CLIENT_HOSTNAME, port: 0 });
    serve(listener, (stream) => this.#handle(stream), trouble);
    const { port } = listener.addr;

    const answer = decodeClientAnswer(
      await this.#ask({
        kind: "CLIENT",
        version: DISPY_VERSION,
        ipAddr: CLIENT_HOSTNAME,
        schedulerIpAddr: SCHEDULER.hostname,
      }),
    );
    this.#auth = authCode("", answer.sign);
    const compute = decodeClientComputeAnswer(
      await this.#ask({
        kind: "COMPUTE",
        compute: {
          type: ComputeType.Function,
          name: "compute",
          id: null,
          code: "def compute(n):\n    return n\n",
          destPath: null,
          xferFiles: [],
          reentrant: false,
          exclusive: false,
          setup: null,
          cleanup: true,
          setupArgsCount: 0,
          schedulerIpAddr: CLIENT_HOSTNAME,
          schedulerPort: port,
          nodeIpAddr: null,
          auth: hashOf(0),
          jobResultPort: port,
          pulseIntervalS: null,
          clientReplyAddr: new PyTuple([CLIENT_HOSTNAME, BigInt(port)]),
          extra: null,
        },
        nodeAllocs: [{ host: "*", port: null, cpus: 0, depends: [], setupArgs: new PyTuple([]) }],
        exclusive: false,
      }),
    );
    if (compute.kind === "refused") throw new Error(`computation refused: ${compute.reason}`);
    this.#compute = { computeId: compute.computeId, auth: compute.auth };
    if (!isAck(await this.#ask({ kind: "SCHEDULE", ...this.#compute }))) {
      throw new Error("the scheduler does not schedule the computation");
    }
    if (!await this.#until(() => this.#initialized.size === load.nodes)) {
      throw new Error(`only ${this.#initialized.size} of ${load.nodes} nodes were set up`);
    }
    tell({ event: "ready", setUpMs: performance.now() - (this.#scheduledMs ?? 0) });
  }

  /** Submits the jobs numbered from `first` to before `end`; with `counts`, tells of it. */
  async run(first: number, end: number, counts: boolean): Promise<void> {
    const before = this.#connections;
    const start = performance.now();
    const tellProgress = () => tell({ event: "progress", results: this.#answered });
    if (counts) Deno.unrefTimer(setInterval(tellProgress, PROGRESS_MS));
    let next = first;
    const mayGoOn = () => next - this.#answered - this.#refused < load.outstanding;
    const submitter = async () => {
      while (next < end && (mayGoOn() || await this.#until(mayGoOn))) {
        if (mayGoOn() && next < end) await this.#submit(next++, counts);
      }
    };
    await Promise.all(Array.from({ length: load.submitters }, submitter));
    if (counts) tell({ event: "submitted", tookMs: performance.now() - start });
    await this.#until(() => this.#answered + this.#refused >= next);
    const lost = next - this.#answered - this.#refused;
    if (!counts) {
      if (lost > 0) throw new Error(`${lost} jobs were lost while warming up`);
      return;
    }
    const latencies = this.#latenciesMs.sort((a, b) => a - b);
    const percentile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? NaN;
    tell({
      event: "end",
      tookMs: this.#lastProgressMs - start,
      submitP50Ms: percentile(0.5),
      submitP99Ms: percentile(0.99),
      lost,
      doubled: this.#doubled,
      refused: this.#refused,
      connections: this.#connections - before,
    });
  }

  /** Gives the computation up. */
  async close(): Promise<void> {
    using stream = await connectTo(SCHEDULER.clientPort);
    await stream.writeRequest(
      this.#auth,
      ...encodeClientRequest({ kind: "CLOSE", ...this.#compute, terminatePending: true }),
    );
    await stream.waitForClose();
  }

  async #ask(request: ClientRequest): Promise<Uint8Array> {
    using stream = await connectTo(SCHEDULER.clientPort);
    await stream.writeRequest(this.#auth, ...encodeClientRequest(request));
    return await stream.readMessage(MAX_MESSAGE_BYTES);
  }

  async #submit(job: number, counts: boolean): Promise<void> {
    const start = performance.now();
    try {
      using stream = await connectTo(SCHEDULER.clientPort);
      await stream.writeRequest(
        this.#auth,
        ...encodeClientRequest({
          kind: "JOB",
          job: {
            uid: null,
            hash: hashOf(job),
            computeId: this.#compute.computeId,
            args: ARGS,
            kwargs: KWARGS,
            xferFiles: [],
            code: "",
            extra: null,
          },
          node: null,
          auth: this.#compute.auth,
        }),
      );
      decodeIntAnswer(await stream.readMessage(MAX_MESSAGE_BYTES), "uid");
      if (counts) this.#latenciesMs.push(performance.now() - start);
      await stream.writeMessage(ACK);
    } catch (error) {
      this.#refused += 1;
      trouble(error);
    }
  }

  async #handle(stream: MessageStream): Promise<void> {
    const message = decodeToClient(await stream.readMessage(MAX_MESSAGE_BYTES));
    this.#connections += 1;
    switch (message.kind) {
      case "SCHEDULED":
        this.#scheduledMs = performance.now();
        await stream.writeMessage(ACK);
        break;
      case "JOB_REPLY":
        this.#onResult(parseInt(message.reply.hash, 16));
        await stream.writeMessage(ACK);
        break;
      case "NODE_STATUS":
        if (message.status === NodeStatus.Initialized) {
          this.#initialized.add(message.ipAddr);
          this.#lastProgressMs = performance.now();
        }
        break;
      case "JOB_STATUS":
        return;
      case "FILEXFER":
        throw new Error("no file was expected in this benchmark");
    }
    for (const watcher of this.#watchers) watcher();
  }

  #onResult(job: number): void {
    const results = this.#resultsOfJob[job];
    if (results === undefined) throw new Error(`a result for a job that never was: ${job}`);
    this.#resultsOfJob[job] = results + 1;
    if (results > 0) {
      this.#doubled += 1;
      return;
    }
    this.#answered += 1;
    this.#lastProgressMs = performance.now();
  }

  /** Waits until `done` holds; returns false if instead there is no result for long. */
  async #until(done: () => boolean): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#lastProgressMs = performance.now();
    const watcher = () => {
      if (done()) resolve(true);
      else if (performance.now() - this.#lastProgressMs > QUIET_MS) resolve(false);
    };
    const timer = setInterval(watcher, 500);
    this.#watchers.add(watcher);
    watcher();
    const result = await promise;
    clearInterval(timer);
    this.#watchers.delete(watcher);
    return result;
  }
}

const client = new FakeClient();
await client.setUp();
await client.run(0, load.warmUpJobs, false);
tell({ event: "warm" });
await Deno.stdin.read(new Uint8Array(1));
await client.run(load.warmUpJobs, load.warmUpJobs + load.jobs, true);
await client.close();
Deno.exit();
