/**
 * Results that nobody has acknowledged yet, on disk: they outlive the computation, its scheduler,
 * and the node. While the disk is full they are kept in memory, and written as soon as it is not.
 *
 * @module
 */

import { join } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { dumps, loads, PickleError, PyDict } from "../pickle/mod.ts";
import { ifNotFound } from "../store/not_found.ts";
import { decodeJobReply, encodeJobReply, type JobReply, WireError } from "../wire/mod.ts";
import {
  requireDict,
  requireInt,
  requirePort,
  requireString,
  requireValue,
} from "../wire/fields.ts";
import type { PeerAddress } from "./held_computations.ts";

const log = getLogger("node");

/** A result that nobody has come for in this time is removed. */
const RETENTION_MS = 7 * 24 * 60 * 60_000;

const SUFFIX = ".reply";

/** Of a file that is not yet whole. */
const UNFINISHED_SUFFIX = `${SUFFIX}.new`;

/** A result that is kept, without the result itself. */
export interface KeptReply {
  readonly uid: number;
  readonly computeId: number;
  /** The computation's, by which its scheduler proves that the result is its own. */
  readonly auth: string;
  /** Where the result was to go. */
  readonly replyTo: PeerAddress;
  readonly path: string;
  readonly keptMs: number;
}

/** See the module's description. */
export class KeptReplies {
  readonly #all = new Set<KeptReply>();
  /** Those that could not be written yet. */
  readonly #unwritten = new Map<KeptReply, JobReply>();

  private constructor(private readonly folder: string) {}

  /** Opens the folder, and finds what earlier runs have left there. */
  static async open(folder: string): Promise<KeptReplies> {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const kept = new KeptReplies(folder);
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && name.endsWith(SUFFIX)) await kept.#find(join(folder, name));
      // The run that was about to write it was killed.
      if (isFile && name.endsWith(UNFINISHED_SUFFIX)) await Deno.remove(join(folder, name));
    }
    return kept;
  }

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** All of them, in the order in which they came. */
  get all(): readonly KeptReply[] {
    return [...this.#all];
  }

  /** Those of a computation. */
  of(computeId: number, auth: string): KeptReply[] {
    return this.all.filter((kept) => kept.computeId === computeId && kept.auth === auth);
  }

  /** Whether a result is still kept. */
  has(kept: KeptReply): boolean {
    return this.#all.has(kept);
  }

  /** Whether a result outlives the node. */
  isOnDisk(kept: KeptReply): boolean {
    return this.#all.has(kept) && !this.#unwritten.has(kept);
  }

  /** Keeps a result, in memory where it cannot be written. */
  async add(
    { computeId, auth, replyTo }: Pick<KeptReply, "computeId" | "auth" | "replyTo">,
    reply: JobReply,
  ): Promise<KeptReply> {
    const { uid } = reply;
    // Other runs of the job, and other schedulers' jobs of the same numbers, have results as well.
    const name = `${computeId}-${uid}-${crypto.randomUUID()}${SUFFIX}`;
    const path = join(this.folder, name);
    const kept: KeptReply = { uid, computeId, auth, replyTo, path, keptMs: Date.now() };
    this.#all.add(kept);
    this.#unwritten.set(kept, reply);
    await this.#write(kept, reply);
    return kept;
  }

  /** Tries to write what could not be written so far. */
  async writeAll(): Promise<void> {
    for (const [kept, reply] of [...this.#unwritten]) {
      if (!await this.#write(kept, reply)) return;
    }
  }

  /**
   * Reads a result; `null` where that cannot be done now. One whose file is gone or spoilt is
   * forgotten.
   */
  async read(kept: KeptReply): Promise<JobReply | null> {
    const unwritten = this.#unwritten.get(kept);
    if (unwritten !== undefined) return unwritten;
    try {
      return decodeJobReply(requireValue(await readKept(kept.path), "reply", "kept reply"));
    } catch (error) {
      // It was fetched meanwhile.
      if (!this.#all.has(kept)) return null;
      log.error("a kept result cannot be read", { path: kept.path, reason: messageOf(error) });
      if (isSpoilt(error) || error instanceof Deno.errors.NotFound) this.#all.delete(kept);
      return null;
    }
  }

  /** Forgets a result: it has arrived. */
  async remove(kept: KeptReply): Promise<void> {
    if (!this.#all.delete(kept)) return;
    this.#unwritten.delete(kept);
    await removeIfThere(kept.path);
  }

  /** Forgets those whose files somebody has removed; tells how many there were. */
  async forgetGone(): Promise<number> {
    let gone = 0;
    for (const kept of this.all) {
      if (this.#unwritten.has(kept)) continue;
      if (await Deno.stat(kept.path).then(() => true, ifNotFound(false))) continue;
      if (this.#all.delete(kept)) gone++;
    }
    return gone;
  }

  /** Removes those that nobody has come for in a long time, and writes what is not on disk yet. */
  async sweep(nowMs: number): Promise<void> {
    await this.writeAll();
    for (const kept of this.all) {
      if (nowMs - kept.keptMs < RETENTION_MS) continue;
      log.warning("a result that nobody has fetched is removed", { job: kept.uid });
      await this.remove(kept);
    }
  }

  /** Writes a result, whole or not at all: the node may be killed at any time. */
  async #write(kept: KeptReply, reply: JobReply): Promise<boolean> {
    const { computeId, auth, replyTo, path } = kept;
    const unfinished = path.slice(0, -SUFFIX.length) + UNFINISHED_SUFFIX;
    try {
      const bytes = dumps(PyDict.from({
        compute_id: BigInt(computeId),
        auth,
        host: replyTo.host,
        port: BigInt(replyTo.port),
        reply: encodeJobReply(reply),
      }));
      // Somebody may have removed it.
      await Deno.mkdir(this.folder, { recursive: true, mode: 0o700 });
      await Deno.writeFile(unfinished, bytes, { mode: 0o600 });
      await Deno.rename(unfinished, path);
    } catch (error) {
      log.error("a result that was not taken cannot be written yet", {
        job: kept.uid,
        reason: messageOf(error),
      });
      await removeIfThere(unfinished);
      return false;
    }
    this.#unwritten.delete(kept);
    // It has arrived while it was written.
    if (!this.#all.has(kept)) await removeIfThere(path);
    return true;
  }

  async #find(path: string): Promise<void> {
    try {
      const dict = await readKept(path);
      const reply = decodeJobReply(requireValue(dict, "reply", "kept reply"));
      const { mtime } = await Deno.stat(path);
      this.#all.add({
        uid: reply.uid,
        computeId: requireInt(dict, "compute_id", "kept reply"),
        auth: requireString(dict, "auth", "kept reply"),
        replyTo: {
          host: requireString(dict, "host", "kept reply"),
          port: requirePort(dict, "port", "kept reply"),
        },
        path,
        keptMs: mtime?.getTime() ?? Date.now(),
      });
    } catch (error) {
      if (!isSpoilt(error)) throw error;
      log.warning("a kept result of an earlier run cannot be read", {
        path,
        reason: error.message,
      });
    }
  }
}

async function readKept(path: string): Promise<PyDict> {
  return requireDict(loads(await Deno.readFile(path)), path);
}

function isSpoilt(error: unknown): error is WireError | PickleError {
  return error instanceof WireError || error instanceof PickleError;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.warning("a file of a result cannot be removed", { path, reason: messageOf(error) });
  }
}
