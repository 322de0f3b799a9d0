/**
 * A dispy client that does what the test says, step by step: `clients/driven.py`.
 *
 * @module
 */

import type { Client, ClientEvent } from "./client.ts";
import { JobStatus, NodeStatus } from "./jobs.ts";
import type { ClientOptions, Lab } from "./lab.ts";

/** What its cluster is made with, as `SharedJobCluster` calls it, and: */
export interface DrivenOptions {
  /**
   * What its jobs do; `work` (sleep, then tell where) when absent, `mark` tells a file, too, `hold`
   * goes on until a file is there: where it matters that jobs still run, none must take a set time.
   */
  readonly function?:
    | "work"
    | "read"
    | "send_back"
    | "answer_big"
    | "mark"
    | "weigh"
    | "die_first"
    | "hold";
  /** Files to make before: path and size. */
  readonly make?: Readonly<Record<string, number>>;
  /** What befalls files once dispy has noted their sizes. */
  readonly spoil?: Readonly<Record<string, "grow" | "shrink" | "remove" | "unreadable">>;
  /** Results that are sent to it get lost: it has to ask for them. */
  readonly deaf?: boolean;
  /** Its `setup` raises an exception at every node. */
  readonly refuse_setup?: boolean;
  /** So many nodes must be set up before the first step. */
  readonly wait_nodes?: number;
  /** Addresses, or an address and CPUs. */
  readonly nodes?: readonly (string | readonly [string, number])[];
  // deno-lint-ignore no-explicit-any -- any other argument of SharedJobCluster.
  readonly [option: string]: any;
}

/** A job that is done, or not yet. */
export interface DrivenJob {
  readonly id: number;
  readonly done: boolean;
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- the test that has the job run knows what it returns.
  readonly result: any;
  readonly exception: string | null;
  readonly node: string | null;
}

/** See the module's description. */
export class Driven {
  constructor(readonly client: Client) {}

  /** Starts it; its cluster may not be created yet. */
  static async start(
    lab: Lab,
    options: DrivenOptions = {},
    client: ClientOptions = {},
  ): Promise<Driven> {
    const started = await lab.startClient("driven.py", {
      name: "client",
      ...client,
      args: [JSON.stringify(options)],
    });
    await started.event("started");
    return new Driven(started);
  }

  /** Starts it and waits until the first step can be taken. */
  static async ready(
    lab: Lab,
    options: DrivenOptions = {},
    client: ClientOptions = {},
  ): Promise<Driven> {
    const driven = await Driven.start(lab, options, client);
    await driven.client.event("ready");
    return driven;
  }

  /** Submits jobs 0 to `count` - 1; returns their ids, `null` for those that are not taken. */
  submit(
    count: number,
    args: readonly unknown[],
    node: string | null = null,
    depends: readonly string[] = [],
  ): Promise<(number | null)[]> {
    return this.#step("submit", count, args, node, depends);
  }

  /** Waits for all jobs since the last time, each for `timeoutS` at most. */
  results(timeoutS?: number): Promise<DrivenJob[]> {
    return this.#step("results", timeoutS ?? null);
  }

  /** Submits jobs and waits for them. */
  async run(count: number, args: readonly unknown[] = [0.05]): Promise<DrivenJob[]> {
    await this.submit(count, args);
    return await this.results();
  }

  /** Sends a file with `send_file`; 0 is good. */
  sendFile(path: string, node: string, relay: boolean): Promise<number> {
    return this.#step("send_file", path, node, relay);
  }

  /** A file that the client has. */
  stat(path: string): Promise<{ size: number; mode: number; changed: number }> {
    return this.#step("stat", path);
  }

  /** SHA-256 of a file that the client has made. */
  digest(path: string): string {
    return this.client.all("made").find((line) => line.path === path)?.digest;
  }

  /** Cancels all jobs since the last {@linkcode Driven.results}. */
  cancel(): Promise<number[]> {
    return this.#step("cancel");
  }

  /** Calls a method of the cluster. */
  // deno-lint-ignore no-explicit-any -- as the method may be.
  call(method: string, ...args: unknown[]): Promise<any> {
    return this.#step("call", method, ...args);
  }

  /** What `cluster.status()` tells of its nodes, by address. */
  known(): Promise<Record<string, { cpus: number; busy: number; avail: number[] | null }>> {
    return this.#step("known");
  }

  /** Closes its cluster, which waits for its jobs, and waits for its end. */
  async close(options: { timeout?: number; terminate?: boolean } = {}): Promise<void> {
    await this.client.process.send(JSON.stringify(["close", [options]]));
    await this.client.succeeded();
  }

  /** What `cluster_status` was told so far with this status. */
  told(status: number): ClientEvent[] {
    return this.client.all("status").filter((line) => line.status === status);
  }

  /** Waits until `cluster_status` was told so of the node `times` times. */
  async untilNode(what: "Initialized" | "Closed", node: string, times = 1): Promise<void> {
    await this.client.process.until(`${node} is ${what} ${times} times`, () => {
      const told = this.told(NodeStatus[what]).filter((line) => line.node === node);
      return told.length >= times ? true : undefined;
    });
  }

  /** Waits until `cluster_status` was told of so many jobs that they run. */
  async untilRunning(count: number, node?: string): Promise<void> {
    await this.client.process.until(`${count} jobs run`, () => {
      const running = this.told(JobStatus.Running)
        .filter((line) => node === undefined || line.node === node);
      return running.length >= count ? true : undefined;
    });
  }

  // deno-lint-ignore no-explicit-any -- each command has its own result.
  async #step(name: string, ...args: unknown[]): Promise<any> {
    const before = this.client.all("answer").length;
    await this.client.process.send(JSON.stringify([name, args]));
    await this.client.count("answer", before + 1);
    const answer = this.client.all("answer")[before]!;
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`);
    return answer.result;
  }
}
