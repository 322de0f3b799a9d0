/**
 * What jobs write down themselves: how often each was run.
 *
 * @module
 */

import type { Lab } from "./lab.ts";

/** A file in which each run of a job (`mark` of `clients/driven.py`) leaves a line. */
export class Ledger {
  private constructor(readonly path: string) {}

  /** An empty one. */
  static async create(lab: Lab): Promise<Ledger> {
    const ledger = new Ledger(`${await lab.folder("ledger")}/runs`);
    await Deno.writeTextFile(ledger.path, "");
    return ledger;
  }

  /** The numbers of the jobs that were begun, sorted; one that was run twice stands there twice. */
  async runs(): Promise<number[]> {
    const lines = (await Deno.readTextFile(this.path)).split("\n").filter((line) => line !== "");
    return lines.map((line) => Number(line.split(" ")[0])).sort((a, b) => a - b);
  }
}
