/** What the programs of the scenarios with our own client share. */

import {
  type ClusterNode,
  type Job,
  type SharedJobClusterOptions,
} from "../../../src/client/mod.ts";

/** Prints one JSON line for the test. */
export function emit(event: string, fields: Record<string, unknown> = {}): void {
  const line = JSON.stringify(
    { event, at: Date.now() / 1000, ...fields },
    (_, value) => typeof value === "bigint" ? `${value}n` : value,
  );
  console.log(line);
}

/** A job at its end, as a JSON object. */
export async function described<Result>(job: Job<Result>): Promise<Record<string, unknown>> {
  await job.done;
  const seconds = (date: Date | null) => date === null ? null : date.getTime() / 1000;
  return {
    id: job.id,
    status: job.status,
    result: job.error === null ? await job.result : null,
    error: job.error?.name ?? null,
    message: job.error?.message ?? null,
    stdout: job.stdout,
    stderr: job.stderr,
    exception: job.exception,
    node: job.ipAddr,
    submitted: seconds(job.submittedAt),
    start: seconds(job.startedAt),
    end: seconds(job.endedAt),
  };
}

/** Waits for jobs and tells of each. */
export async function report(jobs: readonly Job<unknown>[]): Promise<void> {
  for (const job of jobs) emit("job", await described(job));
}

/** Collects what a cluster is told of its nodes, and waits for it. */
export class Nodes {
  readonly ready = new Map<string, ClusterNode>();
  #news = Promise.withResolvers<void>();

  readonly onNode: NonNullable<SharedJobClusterOptions<[], unknown>["onNode"]> = (node, event) => {
    if (event === "Initialized") this.ready.set(node.ipAddr, node);
    if (event === "Closed") this.ready.delete(node.ipAddr);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  };

  /** Waits until this many nodes are set up. */
  async untilReady(count: number): Promise<void> {
    while (this.ready.size < count) await this.#news.promise;
  }
}

/** Waits until the test says to go on. */
export async function untilGo(): Promise<void> {
  const { value } = await (input ??= lines()).next();
  if (value !== "go") throw new Error("the test has gone away");
}

/** Reads only once it is asked to: standard input that is being read keeps a program alive. */
let input: AsyncIterator<string, undefined> | undefined;

async function* lines(): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** Plays the part that the first argument names. */
export async function play(parts: Record<string, () => Promise<void>>): Promise<void> {
  const part = parts[Deno.args[0] ?? ""];
  if (part === undefined) throw new Error(`the parts are: ${Object.keys(parts).join(" ")}`);
  await part();
}
