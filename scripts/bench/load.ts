/**
 * The load of a trial, and what its processes tell each other: a line of JSON each on standard
 * input and output.
 *
 * @module
 */

import { Deadlines } from "../../src/wire/deadline.ts";
import { MessageStream } from "../../src/wire/framing.ts";

/** Where the scheduler under test is. */
export const SCHEDULER = { hostname: "127.0.0.1", nodePort: 9700, clientPort: 9702 } as const;

/** Where the fake nodes are, each at an address of its own. */
export const NODE_PORT = 9701;

/** Where the fake client is. */
export const CLIENT_HOSTNAME = "127.1.0.1";

/** The release whose messages the peers speak: the reference takes no other. */
export const DISPY_VERSION = "4.15.2";

/** Longest message that a peer reads. */
export const MAX_MESSAGE_BYTES = 1 << 20;

/** How long a peer waits for the scheduler before it gives up. */
const PEER_TIMEOUT_MS = 30_000;

/** What a trial asks of a scheduler. */
export interface Load {
  readonly nodes: number;
  readonly cpusPerNode: number;
  /** Jobs that count, after `warmUpJobs` that do not. */
  readonly jobs: number;
  readonly warmUpJobs: number;
  /** Submissions under way at once. */
  readonly submitters: number;
  /** Jobs submitted and not yet answered, at most. */
  readonly outstanding: number;
  /** A job runs for a random time up to this. */
  readonly serviceMs: number;
  /** Nodes keep all results back until every job that counts is submitted, so that they queue. */
  readonly queue: boolean;
}

/** What the nodes' process says. */
export type NodesEvent =
  /** Every node has greeted the scheduler. */
  | { readonly event: "registered" }
  /** As told by `hold`: results are kept back from now on, until `release`. */
  | { readonly event: "holding" }
  /** Something that should not happen; the trial goes on. */
  | { readonly event: "trouble"; readonly message: string };

/** What the client's process says. */
export type ClientEvent =
  /** Every node is set up. */
  | { readonly event: "ready"; readonly setUpMs: number }
  /** The jobs that do not count are done; those that do wait for a line on standard input. */
  | { readonly event: "warm" }
  /** The last job is submitted. */
  | { readonly event: "submitted"; readonly tookMs: number }
  /** How many results there are so far, every few seconds. */
  | { readonly event: "progress"; readonly results: number }
  /** The last result is there, or none came for so long that the others count as lost. */
  | ({ readonly event: "end" } & ClientResult)
  | { readonly event: "trouble"; readonly message: string };

/** What the client has measured. */
export interface ClientResult {
  /** From the first submission to the last result. */
  readonly tookMs: number;
  /** Round trip of a submission. */
  readonly submitP50Ms: number;
  readonly submitP99Ms: number;
  /** Jobs whose result never came. */
  readonly lost: number;
  /** Results that came once more. */
  readonly doubled: number;
  /** Submissions that failed. */
  readonly refused: number;
  /** Connections that the scheduler made to the client. */
  readonly connections: number;
}

const deadlines = new Deadlines();

/** A peer's end of a connection. */
export function peerStream(connection: Deno.TcpConn): MessageStream {
  return new MessageStream(connection, { deadlines, timeoutMs: PEER_TIMEOUT_MS });
}

/** Connects to a port of the scheduler. */
export async function connectTo(port: number): Promise<MessageStream> {
  return peerStream(await Deno.connect({ hostname: SCHEDULER.hostname, port }));
}

/** Takes connections for as long as the process runs; `trouble` hears of those that failed. */
export async function serve(
  listener: Deno.TcpListener,
  handle: (stream: MessageStream) => Promise<void>,
  trouble: (error: unknown) => void,
): Promise<void> {
  for await (const connection of listener) {
    const stream = peerStream(connection);
    handle(stream).catch(trouble).finally(() => stream.close());
  }
}

/** Tells the process that runs the trial. */
export function tell(event: NodesEvent | ClientEvent): void {
  console.log(JSON.stringify(event));
}

/** Says what went wrong, for a person. */
export function troubleOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
