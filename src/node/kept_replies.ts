/**
 * Results that nobody has acknowledged yet, on disk: they outlive the computation, its scheduler,
 * and the node.
 *
 * @module
 */

import { join } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { dumps, loads, PickleError, PyDict } from "../pickle/mod.ts";
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
  readonly #byPath = new Map<string, KeptReply>();

  private constructor(private readonly folder: string) {}

  /** Opens the folder, and finds what earlier runs have left there. */
  static async open(folder: string): Promise<KeptReplies> {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const kept = new KeptReplies(folder);
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && name.endsWith(SUFFIX)) await kept.#find(join(folder, name));
    }
    return kept;
  }

  /** How many there are. */
  get size(): number {
    return this.#byPath.size;
  }

  /** All of them, in the order in which they came. */
  get all(): readonly KeptReply[] {
    return [...this.#byPath.values()];
  }

  /** Those of a computation. */
  of(computeId: number, auth: string): KeptReply[] {
    return this.all.filter((kept) => kept.computeId === computeId && kept.auth === auth);
  }

  /** Keeps a result. */
  async add(
    computation: Pick<KeptReply, "computeId" | "auth" | "replyTo">,
    reply: JobReply,
  ): Promise<void> {
    const { computeId, auth, replyTo } = computation;
    const path = join(this.folder, `${computeId}-${reply.uid}${SUFFIX}`);
    const bytes = dumps(PyDict.from({
      compute_id: BigInt(computeId),
      auth,
      host: replyTo.host,
      port: BigInt(replyTo.port),
      reply: encodeJobReply(reply),
    }));
    // Whole or not at all: the node may be killed at any time.
    await Deno.writeFile(`${path}.new`, bytes, { mode: 0o600 });
    await Deno.rename(`${path}.new`, path);
    this.#byPath.set(path, {
      uid: reply.uid,
      computeId,
      auth,
      replyTo,
      path,
      keptMs: Date.now(),
    });
  }

  /** Reads a result; `null` where its file is gone or spoilt, which is then forgotten. */
  async read(kept: KeptReply): Promise<JobReply | null> {
    try {
      return decodeJobReply(requireValue(await readKept(kept.path), "reply", kept.path));
    } catch (error) {
      log.error("a kept result cannot be read", { path: kept.path, reason: messageOf(error) });
      this.#byPath.delete(kept.path);
      return null;
    }
  }

  /** Forgets a result: it has arrived. */
  async remove(kept: KeptReply): Promise<void> {
    if (!this.#byPath.delete(kept.path)) return;
    try {
      await Deno.remove(kept.path);
    } catch (error) {
      log.warning("a result that has arrived cannot be removed", {
        path: kept.path,
        reason: messageOf(error),
      });
    }
  }

  /** Removes those that nobody has come for in a long time. */
  async sweep(nowMs: number): Promise<void> {
    for (const kept of this.all) {
      if (nowMs - kept.keptMs < RETENTION_MS) continue;
      log.warning("a result that nobody has fetched is removed", { job: kept.uid });
      await this.remove(kept);
    }
  }

  async #find(path: string): Promise<void> {
    try {
      const dict = await readKept(path);
      const reply = decodeJobReply(requireValue(dict, "reply", path));
      const { mtime } = await Deno.stat(path);
      this.#byPath.set(path, {
        uid: reply.uid,
        computeId: requireInt(dict, "compute_id", path),
        auth: requireString(dict, "auth", path),
        replyTo: {
          host: requireString(dict, "host", path),
          port: requirePort(dict, "port", path),
        },
        path,
        keptMs: mtime?.getTime() ?? Date.now(),
      });
    } catch (error) {
      const isSpoilt = error instanceof WireError || error instanceof PickleError;
      if (!isSpoilt) throw error;
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
