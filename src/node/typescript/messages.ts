/**
 * What a node and the process of a TypeScript job have to say to each other. Values and arguments
 * are the bytes that `node:v8` makes of them: only the job itself opens them.
 *
 * @module
 */

/** What a process loads before it is told of a job. */
export interface LoadOrder {
  /** URL of the computation's module. */
  readonly module: string;
  /** What the module must export. */
  readonly functions: readonly string[];
  /** The function to call as soon as the module is there. */
  readonly setup: string | null;
  /** An array. */
  readonly setupArgs: Uint8Array;
  readonly nodeName: string;
  readonly nodeIpAddr: string;
}

/** To the thread that calls the module's functions. */
export type ToWorker =
  | { readonly kind: "call"; readonly name: string; readonly args: Uint8Array }
  /** To a `provisional` or `file` of that id. */
  | { readonly kind: "answer"; readonly id: number; readonly isDone: boolean }
  /** The job is cancelled. */
  | { readonly kind: "abort" };

/** From the thread that calls the module's functions. */
export type FromWorker =
  /** The module is loaded and its setup is done. */
  | { readonly kind: "ready" }
  | { readonly kind: "returned"; readonly value: Uint8Array }
  | { readonly kind: "thrown"; readonly text: string }
  /** The job has taken its signal: it may want some time when it is cancelled. */
  | { readonly kind: "listening" }
  | { readonly kind: "provisional"; readonly id: number; readonly value: Uint8Array }
  | { readonly kind: "file"; readonly id: number; readonly path: string }
  /** The thread ends, without an error and without a value. */
  | { readonly kind: "exited"; readonly code: number };

/** To the process. */
export type ToProcess = { readonly kind: "load"; readonly order: LoadOrder } | ToWorker;

/** From the process. */
export type FromProcess =
  /** It waits for its order. */
  | { readonly kind: "up" }
  | FromWorker;
