/** A dispy client program of a scenario: it prints one JSON object a line for the test to check. */

import { describe, LabProcess } from "./process.ts";

/** One JSON line of a client; `event` says what it tells. */
export interface ClientEvent {
  readonly event: string;
  // deno-lint-ignore no-explicit-any -- the test that wrote the client knows what it prints.
  readonly [field: string]: any;
}

/** A client that has ended. */
export interface ClientRun {
  readonly code: number;
  readonly events: readonly ClientEvent[];
  /** Whatever it printed that was not one of its JSON lines: dispy's own log and tables. */
  readonly output: string;
}

/** A client that is running. */
export class Client {
  /** The process, to be killed or signalled. */
  readonly process: LabProcess;
  #parsed = 0;
  readonly #events: ClientEvent[] = [];

  constructor(process: LabProcess) {
    this.process = process;
  }

  /** The JSON lines so far. */
  get events(): readonly ClientEvent[] {
    const { lines } = this.process;
    for (; this.#parsed < lines.length; this.#parsed++) {
      const line = lines[this.#parsed] ?? "";
      if (line.startsWith('{"event":')) this.#events.push(JSON.parse(line));
    }
    return this.#events;
  }

  /** The JSON lines so far that tell `event`. */
  all(event: string): ClientEvent[] {
    return this.events.filter((line) => line.event === event);
  }

  /** Waits for the first line that tells `event` (and for which `matches` holds). */
  event(event: string, matches?: (line: ClientEvent) => boolean): Promise<ClientEvent> {
    return this.process.until(
      `it said "${event}"`,
      () => this.events.find((line) => line.event === event && (matches?.(line) ?? true)),
    );
  }

  /** Waits until it has told `event` this many times. */
  async count(event: string, times: number): Promise<void> {
    await this.process.until(
      `it said "${event}" ${times} times`,
      () => this.all(event).length >= times ? true : undefined,
    );
  }

  /** Tells the client, which waits for it in `peer.wait_for_go()`, to go on. */
  async go(): Promise<void> {
    await this.process.send("go");
  }

  /** Waits for its end, whatever its exit code. */
  async ended(): Promise<ClientRun> {
    const { code } = await this.process.ended();
    const output = this.process.lines.filter((line) => !line.startsWith('{"event":')).join("\n");
    return { code, events: this.events, output };
  }

  /** Waits for its end, which must be a good one. */
  async succeeded(): Promise<ClientRun> {
    const run = await this.ended();
    if (run.code !== 0) {
      const exit = this.process.exit;
      throw new Error(`${this.process.name} failed (${exit ? describe(exit) : run.code})`);
    }
    return run;
  }
}
