/**
 * The few calls of the C library for which Deno has nothing (Linux).
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";

/** Names of the C library: of glibc and of musl. */
const NAMES = ["libc.so.6", "libc.so"];

const SYMBOLS = {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  waitpid: { parameters: ["i32", "pointer", "i32"], result: "i32" },
} as const;

const PR_SET_DUMPABLE = 4;
const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;

/** See the module's description. */
export class CLibrary {
  readonly #symbols: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

  private constructor(library: Deno.DynamicLibrary<typeof SYMBOLS>) {
    this.#symbols = library.symbols;
  }

  /** Loads it. @returns why it cannot be had, where it cannot */
  static open(): CLibrary | string {
    if (Deno.build.os !== "linux") return "this is not Linux";
    let failure: unknown = null;
    for (const name of NAMES) {
      try {
        return new CLibrary(Deno.dlopen(name, SYMBOLS));
      } catch (error) {
        failure ??= error;
      }
    }
    return messageOf(failure);
  }

  /** Has orphans among the descendants of this process become its children; whether it is so. */
  adoptOrphans(): boolean {
    return this.#set(PR_SET_CHILD_SUBREAPER, 1n);
  }

  /** Keeps other processes of the same user from looking into this one; whether it is so. */
  forbidInspection(): boolean {
    return this.#set(PR_SET_DUMPABLE, 0n);
  }

  /** Lets the system forget a child that has ended. */
  forgetChild(pid: number): void {
    this.#symbols.waitpid(pid, null, WNOHANG);
  }

  #set(option: number, value: bigint): boolean {
    return this.#symbols.prctl(option, value, 0n, 0n, 0n) === 0;
  }
}
