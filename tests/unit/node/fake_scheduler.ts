/**
 * A node of ours in this process, with a language whose jobs the test ends as it likes, and a
 * scheduler that keeps all that the node tells it.
 *
 * @module
 */

import { JobNode } from "../../../src/node/node.ts";
import type { NodeOptions } from "../../../src/node/options.ts";
import type {
  ComputationCode,
  ComputationRunner,
  ComputationTask,
  JobEnd,
  JobHost,
  JobLanguage,
  JobTask,
  RunningJob,
  SetupOutcome,
} from "../../../src/node/runner.ts";
import { RunnerError } from "../../../src/node/runner.ts";
import { dumps, PyTuple } from "../../../src/pickle/mod.ts";
import {
  ACK,
  authCode,
  type Compute,
  ComputeType,
  Deadlines,
  decodeComputeAnswer,
  decodeNodeRequest,
  type DispyJob,
  encodeDiscovery,
  encodeToNode,
  FILLER_AUTH,
  JobStatus,
  MessageStream,
  type NodeRequest,
  type Ping,
  type Pong,
  PULSE,
  tagOf,
  type ToNodeRequest,
  type XferFile,
} from "../../../src/wire/mod.ts";

const ADDRESS = "127.0.0.1";
const TEXT = new TextDecoder();

/** How a job of a {@linkcode FakeLanguage} has ended. */
export const FINISHED: JobEnd = {
  status: JobStatus.Finished,
  result: dumps("result"),
  stdout: "said",
  stderr: "",
  exception: null,
};

/** A job that runs until the test says that it has ended. */
export class FakeJob implements RunningJob {
  findPid = () => Promise.resolve(null);
  readonly #end = Promise.withResolvers<JobEnd>();
  terminated = 0;

  constructor(
    readonly task: JobTask,
    readonly host: JobHost,
    readonly computation: ComputationTask,
  ) {}

  get ended(): Promise<JobEnd> {
    return this.#end.promise;
  }

  end(end: JobEnd = FINISHED): void {
    this.#end.resolve(end);
  }

  terminate(): void {
    this.terminated++;
    this.end({ ...FINISHED, status: JobStatus.Terminated });
  }
}

/** Takes every function but those whose code is "refused". */
export class FakeLanguage implements JobLanguage {
  readonly name = "fake";
  readonly platformMark = "fake/1";
  /** All that was asked of it, in order. */
  readonly calls: string[] = [];
  readonly jobs: FakeJob[] = [];
  /** What setup functions say. */
  outcome: Promise<SetupOutcome> = Promise.resolve({ kind: "ready" });
  /** Jobs end at once, before anybody can have noticed that they run. */
  endsAtOnce = false;

  accepts({ type }: ComputationCode): boolean {
    return type === "function";
  }

  open(task: ComputationTask): Promise<ComputationRunner> {
    this.calls.push("open");
    if (task.code === "refused") return Promise.reject(new RunnerError("it cannot be compiled"));
    return Promise.resolve({
      setup: () => {
        this.calls.push("setup");
        return this.outcome;
      },
      start: (job, host) => {
        const running = new FakeJob(job, host, task);
        this.jobs.push(running);
        if (this.endsAtOnce) running.end();
        return running;
      },
      cleanup: () => {
        this.calls.push("cleanup");
        return Promise.resolve();
      },
      close: () => {
        this.calls.push("close");
        return Promise.resolve();
      },
    });
  }
}

/** See the module's description. */
export class Scene implements AsyncDisposable {
  readonly language: FakeLanguage;
  /** What the node has told its scheduler. */
  readonly told: NodeRequest[] = [];
  /** How often the node has said that a computation was reset. */
  resets = 0;
  /** Whether the scheduler acknowledges results. */
  acknowledges = true;
  /** Whether the scheduler answers pulses. */
  answersPulses = true;
  readonly #deadlines = new Deadlines();
  readonly #watchers = new Set<() => void>();
  #pong: Pong | null = null;

  private constructor(
    readonly folder: string,
    readonly nodePort: number,
    readonly node: JobNode,
    private readonly listener: Deno.TcpListener,
    language: FakeLanguage,
  ) {
    this.language = language;
    void this.#listen();
  }

  /**
   * Starts a node, and finds it.
   *
   * @param isGreeted Whether it is greeted as dispy's schedulers do.
   */
  static async open(options: Partial<NodeOptions> = {}, isGreeted = true): Promise<Scene> {
    const listener = Deno.listen({ hostname: ADDRESS, port: 0 });
    const folder = options.folder ?? await Deno.makeTempDir();
    const language = new FakeLanguage();
    const nodePort = freePort();
    const node = await JobNode.start(
      {
        name: "test",
        cpus: 2,
        port: nodePort,
        schedulerPort: listener.addr.port,
        schedulerHost: null,
        ipv4Multicast: false,
        pingIntervalMs: null,
        msgTimeoutMs: 2000,
        secret: "",
        requireOwnAuth: false,
        tls: null,
        serve: null,
        serviceHours: { start: null, stop: null, end: null },
        zombieIntervalMs: null,
        maxFileSizeBytes: 0,
        forceCleanup: false,
        setupTimeoutMs: null,
        jobTimeoutMs: null,
        jobMemoryBytes: null,
        ...options,
        folder,
      },
      // No outlets: nothing is broadcast.
      { listenAt: [ADDRESS], known: [{ address: ADDRESS, external: null }], outlets: [] },
      [language],
    );
    const scene = new Scene(folder, nodePort, node, listener, language);
    if (isGreeted) await scene.greet();
    return scene;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.shutdown();
    await this.leave();
  }

  /** Ends the scheduler; the node has ended already. */
  async leave(): Promise<void> {
    this.listener.close();
    this.#deadlines.stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  /** What the node has said of itself. */
  get pong(): Pong {
    return this.#pong!;
  }

  /** Greets the node, and waits for its answer to the first greeting. */
  async greet(sign = "b".repeat(40)): Promise<void> {
    await this.send(this.greeting(sign));
    this.#pong = await this.until("PONG");
  }

  /** How a scheduler with that sign greets. */
  greeting(sign: string): Ping {
    return {
      kind: "PING",
      from: "scheduler",
      version: "4.15.2",
      sign,
      port: this.port,
      ipAddrs: [ADDRESS],
      nodeIpAddr: null,
    };
  }

  /** Where the scheduler listens. */
  get port(): number {
    return this.listener.addr.port;
  }

  /** Sends a greeting of any kind, with or without a proof of a secret. */
  async send(ping: Ping, proof: Uint8Array = FILLER_AUTH): Promise<void> {
    using stream = await this.#connect();
    await stream.writeRequest(proof, ...encodeDiscovery(ping));
    await stream.waitForClose();
  }

  /** Asks the node, and returns its answer. */
  async ask(request: ToNodeRequest): Promise<Uint8Array> {
    return await this.askRaw(...encodeToNode(request));
  }

  /** As {@linkcode ask}, as text. */
  async askText(request: ToNodeRequest): Promise<string> {
    return TEXT.decode(await this.ask(request));
  }

  /** Sends a message of any kind behind the right auth code, and returns the answer. */
  async askRaw(...chunks: Uint8Array[]): Promise<Uint8Array> {
    using stream = await this.open(...chunks);
    return await stream.readMessage(1 << 20);
  }

  /** Sends a message of any kind behind `auth`, and returns the answer: empty where it is refused. */
  async askWith(auth: Uint8Array, ...chunks: Uint8Array[]): Promise<Uint8Array> {
    using stream = await this.#connect();
    await stream.writeRequest(auth, ...chunks);
    return await stream.readMessage(1 << 20);
  }

  /** Sends a message of any kind behind the right auth code. */
  async open(...chunks: Uint8Array[]): Promise<MessageStream> {
    const stream = await this.#connect();
    await stream.writeRequest(authCode("", this.pong.sign), ...chunks);
    return stream;
  }

  /** A computation as it comes to the node. */
  compute(id: number, changes: Partial<Compute> = {}): Compute {
    return {
      type: ComputeType.Function,
      name: "work",
      id,
      code: "",
      destPath: null,
      xferFiles: [],
      reentrant: false,
      exclusive: false,
      setup: null,
      cleanup: true,
      setupArgsCount: 0,
      schedulerIpAddr: ADDRESS,
      schedulerPort: this.port,
      nodeIpAddr: ADDRESS,
      auth: "a".repeat(40),
      jobResultPort: this.port,
      pulseIntervalS: null,
      clientReplyAddr: null,
      extra: null,
      ...changes,
    };
  }

  /** A job as it comes to the node. */
  job(uid: number, computeId: number, xferFiles: readonly XferFile[] = []): DispyJob {
    return {
      uid,
      hash: `hash ${uid}`,
      computeId,
      args: dumps(new PyTuple([])),
      kwargs: dumps(null),
      xferFiles,
      code: "",
      extra: null,
    };
  }

  /** Has the node take a computation and set it up. */
  async setUp(id: number, changes: Partial<Compute> = {}): Promise<void> {
    const compute = { kind: "COMPUTE", compute: this.compute(id, changes) } as const;
    // As the scheduler does where the node still has it, from before.
    while (hasIt(await this.ask(compute))) await this.close(id, true);
    await this.ask({ kind: "SETUP", computeId: id, setupArgs: new PyTuple([]) });
  }

  /** Has the node close a computation. */
  close(computeId: number, terminatePending = false, close = true): Promise<string> {
    return this.askText({
      kind: "CLOSE",
      computeId,
      auth: "a".repeat(40),
      nodeIpAddr: ADDRESS,
      terminatePending,
      close,
    });
  }

  /** All that the node has told of a kind. */
  all<Kind extends NodeRequest["kind"]>(kind: Kind): Extract<NodeRequest, { kind: Kind }>[] {
    return this.told.filter((each) => each.kind === kind) as Extract<NodeRequest, { kind: Kind }>[];
  }

  /** Waits until the node has told something of a kind `count` times; returns the last of them. */
  async until<Kind extends NodeRequest["kind"]>(
    kind: Kind,
    count = 1,
  ): Promise<Extract<NodeRequest, { kind: Kind }>> {
    for (;;) {
      const found = this.all(kind)[count - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  async #connect(): Promise<MessageStream> {
    const connection = await Deno.connect({ hostname: ADDRESS, port: this.nodePort });
    return new MessageStream(connection, { deadlines: this.#deadlines, timeoutMs: 5000 });
  }

  async #listen(): Promise<void> {
    for await (const connection of this.listener) {
      const options = { deadlines: this.#deadlines, timeoutMs: 5000 };
      void this.#serve(new MessageStream(connection, options));
    }
  }

  async #serve(connection: MessageStream): Promise<void> {
    using stream = connection;
    const request = await stream.readMessage(1 << 20);
    if (request.length === 0) return;
    if (tagOf(request) === "NODE_CLOSED") {
      this.resets++;
      return;
    }
    const message = decodeNodeRequest(request);
    if (message.kind === "PULSE" && this.answersPulses) await stream.writeMessage(PULSE);
    if (message.kind === "JOB_REPLY" && this.acknowledges) await stream.writeMessage(ACK);
    this.told.push(message);
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

/** A port that nobody uses, by TCP or UDP. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  return listener.addr.port;
}

function hasIt(message: Uint8Array): boolean {
  const answer = decodeComputeAnswer(message);
  return answer.kind === "refused" && answer.reason === "answered 0";
}
