/**
 * How much each client has waiting or running here, and whether it may have more.
 *
 * @module
 */

import type { ClusterTerms } from "./cluster_terms.ts";

/** What a client has here. */
interface Usage {
  jobs: number;
  bytes: number;
}

/** Counts jobs and the bytes of their arguments by client address. */
export class Quotas {
  readonly #byClient = new Map<string, Usage>();

  /** Why the client may not submit a job with `bytes` bytes of arguments now, or `null`. */
  refusal(client: string, bytes: number, terms: ClusterTerms): string | null {
    const usage = this.#byClient.get(client) ?? { jobs: 0, bytes: 0 };
    const { maxJobs, maxJobBytes } = terms;
    if (maxJobs !== null && usage.jobs >= maxJobs) {
      return `client ${client} has ${usage.jobs} jobs here already; the limit is ${maxJobs}`;
    }
    if (maxJobBytes !== null && usage.bytes + bytes > maxJobBytes) {
      return `the jobs of client ${client} take ${usage.bytes} bytes already and this one ` +
        `${bytes}; the limit is ${maxJobBytes}`;
    }
    return null;
  }

  /** A job of the client was taken. */
  add(client: string, bytes: number): void {
    const usage = this.#byClient.get(client);
    if (usage === undefined) {
      this.#byClient.set(client, { jobs: 1, bytes });
      return;
    }
    usage.jobs++;
    usage.bytes += bytes;
  }

  /** A job of the client is over. */
  remove(client: string, bytes: number): void {
    const usage = this.#byClient.get(client);
    if (usage === undefined) return;
    usage.jobs--;
    usage.bytes -= bytes;
    if (usage.jobs === 0) this.#byClient.delete(client);
  }
}
