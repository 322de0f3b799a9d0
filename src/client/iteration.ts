/**
 * Jobs as they end.
 *
 * @module
 */

import type { Job } from "./job.ts";
import type { MapOptions } from "./options.ts";

const DEFAULT_CONCURRENCY = 100;

/** Yields `jobs` as they end. */
export async function* asTheyEnd<Result>(
  jobs: Iterable<Job<Result>>,
): AsyncIterableIterator<Job<Result>> {
  const ended = new Queue<Job<Result>>();
  let left = 0;
  for (const job of jobs) {
    left++;
    void job.done.then(() => ended.push(job));
  }
  for (; left > 0; left--) yield await ended.next();
}

/** What {@linkcode mapJobs} waits for. */
type News<Args, Result> =
  | { readonly kind: "input"; readonly result: IteratorResult<Args> }
  | { readonly kind: "ended"; readonly job: Job<Result> }
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * Submits a job for each of `inputs`, so many at once at most, and yields them as they end. The
 * next input is asked for only when there is room for its job. Who leaves the iteration early
 * cancels what is under way.
 */
export async function* mapJobs<Args, Result>(
  inputs: Iterable<Args> | AsyncIterable<Args>,
  submit: (input: Args) => Job<Result>,
  { concurrency = DEFAULT_CONCURRENCY, ordered = false, signal }: MapOptions,
): AsyncIterableIterator<Job<Result>> {
  if (!(concurrency >= 1)) throw new RangeError("map: concurrency must be 1 or more");
  signal?.throwIfAborted();
  const iterator = Symbol.asyncIterator in inputs
    ? inputs[Symbol.asyncIterator]()
    : inputs[Symbol.iterator]();
  const news = new Queue<News<Args, Result>>();
  const fail = (error: unknown) => news.push({ kind: "failed", error });
  const onAbort = () => fail(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  /** Jobs that are not yielded yet, in the order of their inputs. */
  const waiting = new Set<Job<Result>>();
  let underWay = 0;
  let asking = false;
  let exhausted = false;
  const ask = () => {
    asking = true;
    // An iterator may throw at once.
    void Promise.resolve().then(() => iterator.next())
      .then((result) => news.push({ kind: "input", result }), fail);
  };
  try {
    while (true) {
      if (!exhausted && !asking && underWay < concurrency) ask();
      if (exhausted && underWay === 0) return;
      const event = await news.next();
      if (event.kind === "failed") throw event.error;
      if (event.kind === "input") {
        asking = false;
        exhausted = event.result.done === true;
        if (event.result.done) continue;
        const job = submit(event.result.value);
        underWay++;
        waiting.add(job);
        void job.done.then(() => news.push({ kind: "ended", job }));
        continue;
      }
      underWay--;
      if (!ordered) {
        waiting.delete(event.job);
        yield event.job;
        continue;
      }
      for (const job of waiting) {
        if (!hasEnded(job)) break;
        waiting.delete(job);
        yield job;
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    if (!exhausted || waiting.size > 0) {
      await Promise.allSettled([...waiting].map((job) => job.cancel()));
      const closed = Promise.resolve(iterator.return?.());
      // One that is still being asked can be closed only once it has answered, if ever it does.
      if (asking) closed.catch(() => {});
      else await closed;
    }
  }
}

function hasEnded({ status }: Job): boolean {
  return status !== "Created" && status !== "Running";
}

/** First in, first out, for one who waits. */
class Queue<T> {
  readonly #items: T[] = [];
  #waiting: ((item: T) => void) | null = null;

  push(item: T): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as T);
    return new Promise((resolve) => this.#waiting = resolve);
  }
}
