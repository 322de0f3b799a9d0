/** What the test can say about jobs from what they told of themselves. */

import type { ClientEvent } from "./client.ts";

/** dispy's numbers for the state of a job. */
export const JobStatus = {
  Created: 5,
  Running: 6,
  ProvisionalResult: 7,
  Cancelled: 8,
  Terminated: 9,
  Abandoned: 10,
  Finished: 11,
} as const;

/** dispy's numbers for the state of a node. */
export const NodeStatus = { Initialized: 4, Closed: 16, AvailInfo: 17 } as const;

/** Where and when a job of `many.py` ran, by its own account; times in seconds since the epoch. */
export interface Span {
  readonly tag: string;
  readonly number: number;
  readonly node: string;
  readonly start: number;
  readonly end: number;
}

/** The spans of `job` lines, ordered by start. */
export function jobSpans(jobs: readonly ClientEvent[]): Span[] {
  return jobs.map((job) => job.result as Span).sort((a, b) => a.start - b.start);
}

/** How many of the spans overlap at the worst moment. */
export function mostAtOnce(spans: readonly Span[]): number {
  return Math.max(
    0,
    ...spans.map(({ start }) =>
      spans.filter((other) => other.start <= start && start < other.end).length
    ),
  );
}

/**
 * The part of the job starts that each tag got while all of them competed: from when the last of
 * them came in until the first of them had started its last job.
 */
export function shares(spans: readonly Span[]): Map<string, number> {
  const starts = new Map<string, number[]>();
  for (const { tag, start } of spans) starts.set(tag, [...starts.get(tag) ?? [], start]);
  const from = Math.max(...[...starts.values()].map((times) => Math.min(...times)));
  const to = Math.min(...[...starts.values()].map((times) => Math.max(...times)));
  const within = (time: number) => from <= time && time <= to;
  const all = spans.filter(({ start }) => within(start)).length;
  return new Map(
    [...starts].map(([tag, times]) => [tag, times.filter(within).length / all]),
  );
}
