/**
 * The functions that a program gave to be told of things. What one of them throws is the
 * program's own error: it becomes an uncaught exception, and disturbs nothing else.
 *
 * @module
 */

import type { Job } from "./job.ts";
import type {
  ClusterCallbacks,
  ClusterNode,
  ConnectionEvent,
  JobEvent,
  NodeEvent,
  ReceivedFile,
  WaitEvent,
} from "./options.ts";

/** See the module's description. */
export class Observers<Result> {
  readonly #given: ClusterCallbacks<Result>;

  constructor(given: ClusterCallbacks<Result>) {
    this.#given = given;
  }

  job(job: Job<Result>, event: JobEvent): void {
    guarded(() => this.#given.onJob?.(job, event));
  }

  node(node: ClusterNode, event: NodeEvent): void {
    guarded(() => this.#given.onNode?.(node, event));
  }

  file(file: ReceivedFile<Result>): void {
    guarded(() => this.#given.onFile?.(file));
  }

  connection(event: ConnectionEvent): void {
    guarded(() => this.#given.onConnection?.(event));
  }

  waiting(event: WaitEvent): void {
    guarded(() => this.#given.onWaiting?.(event));
  }
}

function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
