/**
 * What the client library uses of Deno and of newer engines, for Node.js 20 and later. Part of the
 * npm package alone; `scripts/npm.ts` puts it there.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";

export { timingSafeEqual } from "node:crypto";

class Interrupted extends Error {}
class NotThrown extends Error {}

/** Stands for `Deno` in the modules that name it: `node:net` never throws Deno's errors. */
export const Deno: {
  readonly errors: Readonly<Record<string, new (message?: string) => Error>>;
  unrefTimer(timer: { unref(): void }): void;
} = {
  errors: {
    Interrupted: Interrupted,
    BadResource: NotThrown,
    BrokenPipe: NotThrown,
    ConnectionAborted: NotThrown,
    ConnectionReset: NotThrown,
    NotConnected: NotThrown,
    UnexpectedEof: NotThrown,
  },
  unrefTimer(timer: { unref(): void }): void {
    timer.unref();
  },
};

/** Gives an object a method that newer engines have, as they would. */
function provide(object: object, name: string, method: (this: never, ...args: never[]) => unknown) {
  if (name in object) return;
  Object.defineProperty(object, name, { value: method, configurable: true, writable: true });
}

provide(Promise, "withResolvers", function <T>(this: PromiseConstructor) {
  let resolve, reject;
  const promise = new this<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
});
provide(Uint8Array, "fromHex", (text: string) => new Uint8Array(Buffer.from(text, "hex")));
provide(Uint8Array.prototype, "toHex", function (this: Uint8Array) {
  return Buffer.from(this).toString("hex");
});

for (const [name, text] of [["validFromDate", "validFrom"], ["validToDate", "validTo"]] as const) {
  if (name in X509Certificate.prototype) continue;
  Object.defineProperty(X509Certificate.prototype, name, {
    get(this: X509Certificate) {
      return new Date(this[text]);
    },
    configurable: true,
  });
}
