/**
 * Many fake dispy nodes in one process, each at an address of its own. They accept whatever
 * computation they are given, and answer each job after a random time without running anything.
 *
 * Started by the benchmark with a {@linkcode Load} as its argument. Of the lines on standard input,
 * `hold` keeps results back and `release` lets them go.
 *
 * @module
 */

import { TextLineStream } from "../../tests/interop/harness/lines.ts";
import { dumps } from "../../src/pickle/mod.ts";
import { encodeIntAnswer, encodeUidsAnswer } from "../../src/wire/answers.ts";
import { AUTH_LENGTH_BYTES, authCode } from "../../src/wire/auth.ts";
import { decodeDiscovery, encodeDiscovery } from "../../src/wire/discovery.ts";
import type { SchedulerPing } from "../../src/wire/discovery.ts";
import type { MessageStream } from "../../src/wire/framing.ts";
import { encodeNodeRequest } from "../../src/wire/from_node.ts";
import { JobStatus } from "../../src/wire/status.ts";
import { ACK, isAck, splitTag } from "../../src/wire/tags.ts";
import { decodeToNode } from "../../src/wire/to_node.ts";
import {
  connectTo,
  DISPY_VERSION,
  type Load,
  MAX_MESSAGE_BYTES,
  NODE_PORT,
  SCHEDULER,
  serve,
  tell,
  troubleOf,
} from "./load.ts";

/** Greetings under way at once. */
const GREETERS = 16;

/** How often a result is offered that the scheduler does not take. */
const REPLY_TRIES = 3;
const RETRY_MS = 1_000;

const RESULT = dumps(42n);

const load: Load = JSON.parse(Deno.args[0] ?? "");
const held: (() => void)[] = [];
let holding = false;
let registered = 0;

function trouble(error: unknown): void {
  tell({ event: "trouble", message: troubleOf(error) });
}

class FakeNode {
  readonly #address: string;
  readonly #sign: string;
  #registered = false;

  constructor(index: number) {
    // From 127.2.0.1 on; no address ends in 0 or 255, in case somebody minds.
    this.#address = `127.2.${Math.floor(index / 250)}.${index % 250 + 1}`;
    this.#sign = index.toString(16).padStart(AUTH_LENGTH_BYTES, "0");
  }

  start(): void {
    const listener = Deno.listen({ hostname: this.#address, port: NODE_PORT });
    serve(listener, (stream) => this.#handle(stream), trouble);
  }

  /** Tells the scheduler where it can find this node. */
  async greet(): Promise<void> {
    using stream = await connectTo(SCHEDULER.nodePort);
    await stream.writeMessage(...encodeDiscovery({
      kind: "PING",
      from: "node",
      version: DISPY_VERSION,
      sign: this.#sign,
      ipAddr: this.#address,
      port: NODE_PORT,
      schedulerIpAddr: SCHEDULER.hostname,
    }));
    await stream.waitForClose();
  }

  async #handle(stream: MessageStream): Promise<void> {
    await stream.readExactly(AUTH_LENGTH_BYTES);
    const message = await stream.readMessage(MAX_MESSAGE_BYTES);
    if (message.length === 0) return;
    if (splitTag(message).tag === "PING") {
      const ping = decodeDiscovery(message);
      if (ping.kind === "PING" && ping.from === "scheduler") await this.#pong(ping);
      return;
    }
    const request = decodeToNode(message);
    switch (request.kind) {
      case "COMPUTE":
        return await stream.writeMessage(encodeIntAnswer(load.cpusPerNode));
      case "SETUP":
      case "CLOSE":
        return await stream.writeMessage(ACK);
      case "JOB": {
        const { uid, hash } = request.job;
        const reply = () => this.#reply(uid ?? 0, hash);
        if (holding) held.push(reply);
        else setTimeout(reply, Math.random() * load.serviceMs);
        return await stream.writeMessage(ACK);
      }
      case "JOBS":
        return await stream.writeMessage(encodeUidsAnswer([]));
      case "RESEND_JOB_RESULTS":
        return await stream.writeMessage(encodeIntAnswer(0));
      case "TERMINATE_JOB":
      case "FILEXFER":
        throw new Error(`no ${request.kind} was expected in this benchmark`);
    }
  }

  async #pong(ping: SchedulerPing): Promise<void> {
    if (this.#registered) return;
    this.#registered = true;
    using stream = await connectTo(ping.port);
    await stream.writeMessage(...encodeDiscovery({
      kind: "PONG",
      version: DISPY_VERSION,
      sign: this.#sign,
      ipAddr: this.#address,
      port: NODE_PORT,
      name: this.#address,
      cpus: load.cpusPerNode,
      platform: "fake",
      auth: authCode("", ping.sign),
      availInfo: null,
      schedulerIpAddr: SCHEDULER.hostname,
    }));
    await stream.waitForClose();
    registered += 1;
    if (registered === load.nodes) tell({ event: "registered" });
  }

  async #reply(uid: number, hash: string): Promise<void> {
    const now = Date.now() / 1000;
    const message = encodeNodeRequest({
      kind: "JOB_REPLY",
      reply: {
        uid,
        hash,
        ipAddr: this.#address,
        status: JobStatus.Finished,
        result: RESULT,
        stdout: "",
        stderr: "",
        exception: null,
        startTimeS: now,
        endTimeS: now,
        cpus: null,
        extra: null,
      },
    });
    for (let attempt = 1; attempt <= REPLY_TRIES; attempt++) {
      try {
        using stream = await connectTo(SCHEDULER.nodePort);
        await stream.writeMessage(...message);
        if (isAck(await stream.readMessage(MAX_MESSAGE_BYTES))) return;
        trouble(new Error("a result was not acknowledged"));
      } catch (error) {
        trouble(error);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

const nodes = Array.from({ length: load.nodes }, (_, index) => new FakeNode(index));
for (const node of nodes) node.start();
const waiting = nodes.values();
for (let i = 0; i < GREETERS; i++) {
  (async () => {
    for (const node of waiting) await node.greet().catch(trouble);
  })();
}

const lines = Deno.stdin.readable
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TextLineStream());
for await (const line of lines) {
  holding = line === "hold";
  if (holding) tell({ event: "holding" });
  else for (const reply of held.splice(0)) setTimeout(reply, Math.random() * load.serviceMs);
}
Deno.exit();
