/**
 * What a later program needs to fetch the results of this one: a file with one JSON object a
 * line, the computation first, then each job. It holds the computation's auth: whoever can read
 * it can get at the results.
 *
 * @module
 */

import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { messageOf } from "../log/error_message.ts";
import type { ComputeRef } from "../wire/mod.ts";
import { pathOf } from "./computation.ts";
import { RecoveryFileError } from "./errors.ts";

const FORMAT = "dispyscheduler recovery 1";

/** Nobody but the owner may read it. */
const MODE = 0o600;

/** The first line. */
export interface RecoveryHeader extends ComputeRef {
  readonly format: typeof FORMAT;
  readonly scheduler: string;
  readonly schedulerPort: number;
  readonly dispyVersion: string;
  readonly name: string;
  /** What results are written in. */
  readonly language: "python" | "typescript";
}

/** Any further line. */
export interface RecoveryJob {
  readonly uid: number;
  readonly hash: string;
  readonly id: number | string;
}

/** A recovery file that is being written. */
export class RecoveryFile {
  readonly #path: string;

  /** @throws {RecoveryFileError} Where it is there already, or cannot be written. */
  constructor(file: string | URL, header: Omit<RecoveryHeader, "format">) {
    this.#path = pathOf(file);
    this.#write(() => {
      const line = JSON.stringify({ format: FORMAT, ...header });
      writeFileSync(this.#path, `${line}\n`, { mode: MODE, flag: "wx" });
    });
  }

  /** @throws {RecoveryFileError} */
  add(job: RecoveryJob): void {
    const { uid, hash, id } = job;
    const line = `${JSON.stringify({ uid, hash, id })}\n`;
    // Without a mode, Deno would open the file to everybody.
    this.#write(() => appendFileSync(this.#path, line, { mode: MODE }));
  }

  /** @throws {RecoveryFileError} */
  remove(): void {
    removeRecoveryFile(this.#path);
  }

  #write(action: () => void): void {
    writing(this.#path, action);
  }
}

/**
 * Removes a recovery file that is of no more use.
 *
 * @throws {RecoveryFileError}
 */
export function removeRecoveryFile(file: string | URL): void {
  const path = pathOf(file);
  writing(path, () => rmSync(path, { force: true }));
}

function writing(path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new RecoveryFileError(`cannot write the recovery file ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Reads a recovery file. A last line that is cut short, as a crash leaves it, is left out.
 *
 * @throws {RecoveryFileError} Where it cannot be read, or is none.
 */
export function readRecoveryFile(
  file: string | URL,
): { readonly header: RecoveryHeader; readonly jobs: readonly RecoveryJob[] } {
  const path = pathOf(file);
  let lines: unknown[];
  try {
    const text = readFileSync(path, "utf8");
    lines = text.slice(0, text.lastIndexOf("\n")).split("\n").map((line) => JSON.parse(line));
  } catch (error) {
    throw new RecoveryFileError(`cannot read the recovery file ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const [header, ...jobs] = lines as [RecoveryHeader | undefined, ...RecoveryJob[]];
  if (header?.format !== FORMAT) throw new RecoveryFileError(`${path} is no recovery file`);
  return { header, jobs };
}
