/**
 * What `submit` prints: the results of command lines, notes, and how far it is.
 *
 * @module
 */

import { encodeBase64 } from "@std/encoding/base64.js";
import { type Progress, renderProgress } from "../../cli/progress_bar.ts";
import { duration } from "../../cli/status_table.ts";
import { escapeControls } from "../../log/escape.ts";
import { writeAll } from "../run_command.ts";
import { EXIT_CODES, type OutcomeKind } from "./outcome.ts";
import type { LineResult } from "./runner.ts";

/** Where something is printed. */
export interface Output {
  writeSync(bytes: Uint8Array): number;
  /** What was written before has yet to be taken. */
  readonly isBusy?: boolean;
}

/** How it is printed. */
export interface ReportOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  /** One JSON object a line for each result. */
  readonly json: boolean;
  /** Results in the order of the lines. */
  readonly keepOrder: boolean;
  /** Width of the terminal on which a bar is shown; `null` = no bar. */
  readonly columns: (() => number) | null;
}

/** More lines that could not be run than that are counted only. */
const MAX_NOTES = 20;

/** A command line is cut after so many characters where it is only mentioned. */
const MAX_SHOWN_COMMAND = 100;

/** Goes to the beginning of the terminal's line and clears it. */
const CLEAR_LINE = "\r\x1b[K";

const PREFIX = "dispyscheduler submit:";

const ENCODER = new TextEncoder();

/** See the module's description. */
export class Report {
  /** The highest exit code so far. */
  worst = 0;
  readonly #counts: Record<OutcomeKind | "succeeded", number> = {
    succeeded: 0,
    exited: 0,
    timed_out: 0,
    lost: 0,
    refused: 0,
    cancelled: 0,
  };
  readonly #options: ReportOptions;
  /** Results that wait for those of earlier lines. */
  readonly #early = new Map<number, LineResult>();
  #nextNumber = 1;
  #notes = 0;
  #barIsShown = false;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  /** Prints a result, or keeps it until its turn has come. Throws where nobody reads any more. */
  add(result: LineResult): void {
    const { outcome: { kind, exitCode } } = result;
    this.worst = Math.max(this.worst, exitCode);
    this.#counts[exitCode === 0 ? "succeeded" : kind]++;
    if (!this.#options.keepOrder) return this.#print(result);
    this.#early.set(result.line.number, result);
    for (
      let next = this.#early.get(this.#nextNumber);
      next !== undefined;
      next = this.#early.get(this.#nextNumber)
    ) {
      this.#early.delete(this.#nextNumber++);
      this.#print(next);
    }
  }

  /** Prints a line for the user to standard error. */
  note(text: string): void {
    this.#clearBar();
    writeAll(this.#options.stderr, ENCODER.encode(`${PREFIX} ${escapeControls(text)}\n`));
  }

  /** Shows how far it is, where there is a bar. */
  progress(progress: Progress): void {
    const { columns, stderr } = this.#options;
    // A terminal that takes nothing gets the next one that it has room for.
    if (columns === null || stderr.isBusy) return;
    writeAll(stderr, ENCODER.encode(CLEAR_LINE + renderProgress(progress, columns())));
    this.#barIsShown = true;
  }

  /**
   * Takes the bar away and says how it went: always where there was a bar, else where not
   * everything is well.
   */
  finish(elapsedMs: number): void {
    // Some never came: lines behind them were not waited for any longer.
    for (const result of this.#early.values()) this.#print(result);
    this.#early.clear();
    this.#clearBar();
    if (this.#options.columns === null && this.worst === 0) return;
    const { succeeded, exited, timed_out, lost, refused, cancelled } = this.#counts;
    const parts: [number, string][] = [
      [exited, "failed"],
      [timed_out, "timed out"],
      [lost + refused, "could not be run, or were lost"],
      [cancelled, "cancelled"],
    ];
    const unwell = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
    this.note(
      [`${succeeded} of ${this.#total} succeeded`, ...unwell].join(", ") +
        (this.worst === 0 ? "" : `; worst exit code ${this.worst}`) + `; ${duration(elapsedMs)}`,
    );
  }

  get #total(): number {
    return Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
  }

  #print(result: LineResult): void {
    this.#clearBar();
    const { stdout, stderr, json } = this.#options;
    if (json) {
      writeAll(stdout, ENCODER.encode(JSON.stringify(resultJson(result)) + "\n"));
      return;
    }
    const { job, outcome: { kind, exitCode, reason }, line } = result;
    if (job !== null) {
      writeAll(stdout, job.stdoutBytes);
      writeAll(stderr, job.stderrBytes);
    }
    // What the user has cancelled needs no words.
    if (kind === "exited" || exitCode === EXIT_CODES.cancelled) return;
    if (this.#notes > MAX_NOTES) return;
    this.#notes++;
    if (this.#notes > MAX_NOTES) {
      this.note("more lines could not be run; they are counted at the end");
      return;
    }
    const at = job?.ipAddr ? ` at ${job.ipAddr}` : "";
    const { command } = line;
    const shown = command.length > MAX_SHOWN_COMMAND
      ? `${command.slice(0, MAX_SHOWN_COMMAND)}…`
      : command;
    this.note(`line ${line.number}${at}: ${reason}: ${shown}`);
  }

  #clearBar(): void {
    if (!this.#barIsShown) return;
    this.#barIsShown = false;
    writeAll(this.#options.stderr, ENCODER.encode(CLEAR_LINE));
  }
}

/** A result as `--json` shows it. */
function resultJson({ line, outcome, attempts, job }: LineResult) {
  return {
    line: line.number,
    command: line.command,
    outcome: outcome.kind,
    exit_code: outcome.exitCode,
    reason: outcome.reason,
    node: job?.ipAddr ?? null,
    attempts,
    started_at: job?.startedAt?.toISOString() ?? null,
    ended_at: job?.endedAt?.toISOString() ?? null,
    ...printed("stdout", job?.stdoutBytes),
    ...printed("stderr", job?.stderrBytes),
  };
}

/** What was printed, as text; and where it is no UTF-8, as it was, too. */
function printed(name: string, bytes: Uint8Array = new Uint8Array(0)): Record<string, string> {
  try {
    return { [name]: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const text = new TextDecoder().decode(bytes);
    return { [name]: text, [`${name}_base64`]: encodeBase64(bytes) };
  }
}
