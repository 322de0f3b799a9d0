/** A scheduler on loopback that does to a client what a test says. */

import {
  ACK,
  AUTH_LENGTH_BYTES,
  type ClientJobRequest,
  type ClientRequest,
  Deadlines,
  decodeClientRequest,
  encodeClientAnswer,
  encodeClientComputeAnswer,
  encodeIntAnswer,
  encodePendingJobsAnswer,
  encodeRetrieveJobAnswer,
  encodeToClient,
  isAck,
  type JobReply,
  JobStatus,
  MessageStream,
} from "../../../src/wire/mod.ts";
import { dumps } from "../../../src/pickle/mod.ts";

const MAX_BYTES = 1024 * 1024;

/** A job that the client has confirmed. */
export interface TakenJob {
  readonly uid: number;
  readonly hash: string;
}

/** What becomes of the exchange about a job. */
export type JobFate =
  /** As it should be. */
  | "take"
  /** The connection ends before the client has its number. */
  | "no answer"
  /** Nothing is heard of the connection once the client has its number; the job is not taken. */
  | "lose confirmation"
  /** The same, but the job is taken. */
  | "hide confirmation";

/** See the module's description. */
export class FakeScheduler implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #deadlines = new Deadlines();
  readonly #serving = new Set<Promise<void>>();
  /** What the client has asked, greetings and pulses left out. */
  readonly requests: string[] = [];
  /** Jobs that it has. */
  readonly jobs: TakenJob[] = [];
  /** Results that it could not bring. */
  readonly kept: JobReply[] = [];
  /** For the next jobs; then all are taken. */
  readonly fates: JobFate[] = [];
  /** As a scheduler that was started anew, it has another. */
  sign: string = "1".repeat(40);
  #clientPort = 0;
  /** The client asks what it has missed. */
  readonly #missed = Promise.withResolvers<void>();
  #lastUid = 0;

  constructor() {
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Sends a result to the client; tells whether it was confirmed. */
  async bring(job: TakenJob, reply: Partial<JobReply> = {}): Promise<boolean> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#clientPort });
    using stream = new MessageStream(connection, { deadlines: this.#deadlines, timeoutMs: 5_000 });
    const message = { kind: "JOB_REPLY", reply: replyOf(job, reply) } as const;
    await stream.writeMessage(...encodeToClient(message));
    return isAck(await stream.readMessage(MAX_BYTES));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#deadlines.stop();
    await Promise.allSettled(this.#serving);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      const serving = this.#serve(connection).catch(() => {});
      this.#serving.add(serving);
      void serving.then(() => this.#serving.delete(serving));
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    using stream = new MessageStream(connection, { deadlines: this.#deadlines, timeoutMs: 5_000 });
    await stream.readExactly(AUTH_LENGTH_BYTES);
    const request = decodeClientRequest(await stream.readMessage(MAX_BYTES));
    if (request.kind !== "CLIENT" && request.kind !== "PULSE") this.requests.push(request.kind);
    await this.#answer(stream, request);
  }

  async #answer(stream: MessageStream, request: ClientRequest): Promise<void> {
    switch (request.kind) {
      case "CLIENT": {
        const { sign, port } = this;
        const answer = { ipAddr: "127.0.0.1", port, sign, version: request.version };
        return await stream.writeMessage(encodeClientAnswer(answer));
      }
      case "COMPUTE": {
        this.#clientPort = request.compute.jobResultPort ?? 0;
        const answer = { kind: "accepted", computeId: 7, auth: "a" } as const;
        return await stream.writeMessage(encodeClientComputeAnswer(answer));
      }
      case "SCHEDULE":
        await stream.writeMessage(ACK);
        return await this.#schedule();
      case "JOB":
        return await this.#job(stream, request);
      case "RESEND_JOB_RESULTS":
        this.#missed.resolve();
        return await stream.writeMessage(encodeIntAnswer(this.jobs.length + this.kept.length));
      case "PENDING_JOBS": {
        const doneUids = this.kept.map(({ uid }) => uid);
        const pending = this.jobs.length;
        return await stream.writeMessage(encodePendingJobsAnswer({ doneUids, pending }));
      }
      case "RETRIEVE_JOB": {
        const at = this.kept.findIndex(({ uid, hash }) => {
          return uid === request.uid && hash === request.hash;
        });
        await stream.writeMessage(...encodeRetrieveJobAnswer(this.kept[at] ?? null));
        if (isAck(await stream.readMessage(MAX_BYTES))) this.kept.splice(at, 1);
      }
    }
  }

  async #schedule(): Promise<void> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#clientPort });
    using stream = new MessageStream(connection, { deadlines: this.#deadlines, timeoutMs: 5_000 });
    await stream.writeMessage(
      ...encodeToClient({ kind: "SCHEDULED", computeId: 7, pulseIntervalS: null }),
    );
    await stream.readMessage(MAX_BYTES);
  }

  async #job(stream: MessageStream, { job }: ClientJobRequest): Promise<void> {
    const fate = this.fates.shift() ?? "take";
    if (fate === "no answer") return;
    const uid = ++this.#lastUid;
    await stream.writeMessage(encodeIntAnswer(uid));
    if (fate === "lose confirmation") return await this.#missed.promise;
    if (!isAck(await stream.readMessage(MAX_BYTES))) return;
    this.jobs.push({ uid, hash: job.hash });
    if (fate === "hide confirmation") await this.#missed.promise;
  }
}

/** A reply for a job that returned 42. */
export function replyOf(job: TakenJob, reply: Partial<JobReply> = {}): JobReply {
  return {
    ...job,
    ipAddr: "127.0.0.2",
    status: JobStatus.Finished,
    result: dumps(42n),
    stdout: "",
    stderr: "",
    exception: null,
    startTimeS: 1,
    endTimeS: 2,
    cpus: 1,
    extra: null,
    ...reply,
  };
}
