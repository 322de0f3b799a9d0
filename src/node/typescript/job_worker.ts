/**
 * Runs in a thread of a job's process, and calls the functions of a computation's module there, so
 * that code that never pauses cannot keep the process from hearing that it shall end.
 *
 * Is handed to Deno as text, with the permissions that the node's operator gives to jobs: it
 * imports nothing but what Deno brings along.
 *
 * @module
 */

import { deserialize, serialize } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import type { FromWorker, LoadOrder, ToWorker } from "./messages.ts";

const order = workerData as LoadOrder;
const aborting = new AbortController();
const asked = new Map<number, (isDone: boolean) => void>();
let lastAsked = 0;
let module: Readonly<Record<string, unknown>> = {};

function tell(message: FromWorker): void {
  parentPort!.postMessage(message);
}

/** What `node:v8` makes of a value, as bytes that belong to nobody else. */
function pack(value: unknown): Uint8Array {
  return new Uint8Array(serialize(value));
}

/** Asks the node to do something for the job; rejects where it could not. */
function ask(what: string, request: (id: number) => FromWorker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // A job that does not wait for it must not die of it.
  promise.catch(() => {});
  try {
    const id = ++lastAsked;
    tell(request(id));
    asked.set(id, (isDone) => isDone ? resolve() : reject(new Error(`${what} was not delivered`)));
  } catch (error) {
    reject(error);
  }
  return promise;
}

/** An error's text, without what is of this file in it. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `Uncaught ${Deno.inspect(error)}`;
  const lines = (error.stack ?? String(error)).split("\n");
  const own = lines.findIndex((line) => line.includes("data:application/typescript"));
  const text = (own < 0 ? lines : lines.slice(0, own)).join("\n");
  return error.cause === undefined ? text : `${text}\nCaused by: ${textOf(error.cause)}`;
}

async function call(name: string, args: Uint8Array): Promise<unknown> {
  const fn = module[name];
  if (typeof fn !== "function") {
    throw new TypeError(`the module does not export a function ${name}`);
  }
  return await fn(...deserialize(args) as unknown[]);
}

async function load(): Promise<void> {
  try {
    module = await import(order.module);
    for (const name of order.functions) {
      if (typeof module[name] !== "function") {
        throw new TypeError(`the module does not export a function ${name}`);
      }
    }
    if (order.setup !== null) await call(order.setup, order.setupArgs);
    tell({ kind: "ready" });
  } catch (error) {
    tell({ kind: "thrown", text: textOf(error) });
  }
}

parentPort!.on("message", async (message: ToWorker) => {
  switch (message.kind) {
    case "call":
      try {
        tell({ kind: "returned", value: pack(await call(message.name, message.args)) });
      } catch (error) {
        tell({ kind: "thrown", text: textOf(error) });
      }
      break;
    case "answer":
      asked.get(message.id)?.(message.isDone);
      asked.delete(message.id);
      break;
    case "abort":
      aborting.abort(new Error("the job was cancelled"));
  }
});

// The thread goes on for a while after it has been told to exit: this is said before anything else.
const exit = Deno.exit;
Deno.exit = (code: number = Deno.exitCode): never => {
  tell({ kind: "exited", code });
  return exit(code);
};

const dispy = {
  nodeName: order.nodeName,
  nodeIpAddr: order.nodeIpAddr,
  get signal(): AbortSignal {
    tell({ kind: "listening" });
    return aborting.signal;
  },
  provisionalResult: (value: unknown) =>
    ask("the provisional result", (id) => ({ kind: "provisional", id, value: pack(value) })),
  sendFile: (path: string) => ask(`the file ${path}`, (id) => ({ kind: "file", id, path })),
};
Object.assign(globalThis, { dispy: Object.freeze(dispy), self: globalThis });
await load();
