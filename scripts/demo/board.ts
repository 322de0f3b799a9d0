/**
 * What the demo shows: who has done how much, and on which node.
 *
 * @module
 */

import type { Told } from "./client.ts";

/** One client program of the demo, as its own lines tell it. */
export class ClientProgress {
  /** The node of each job that runs now. */
  readonly running = new Map<number, string>();
  /** How many jobs each node has done. */
  readonly doneOn = new Map<string, number>();
  /** What the program printed besides its progress: its result. */
  readonly output: string[] = [];
  done = 0;
  /** How long its jobs ran, added up, in seconds. */
  jobSeconds = 0;
  /** From its start to its end, in seconds; undefined while it runs. */
  tookSeconds: number | undefined;

  constructor(readonly name: string, readonly jobs: number) {}

  /** Takes what the program tells; the answer is the event to show, if it is one. */
  read(told: Told): string | undefined {
    switch (told.kind) {
      case "runs":
        this.running.set(told.job, told.node);
        return undefined;
      case "says":
        this.output.push(told.text);
        return undefined;
      case "done":
        this.running.delete(told.job);
        this.doneOn.set(told.node, (this.doneOn.get(told.node) ?? 0) + 1);
        this.done += 1;
        this.jobSeconds += told.seconds;
        return `${this.name}: job ${told.job} done on ${told.node} in ` +
          `${told.seconds.toFixed(2)} s (${this.done} of ${this.jobs})`;
    }
  }

  /** How much of its jobs is done, 0 to 1. */
  get part(): number {
    return this.done / this.jobs;
  }
}

const BAR_WIDTH = 24;
const ERASE_LINE = "\x1b[K";

/** Draws progress in place on a terminal; elsewhere prints a plain line for each event. */
export class Board {
  readonly #clients: readonly ClientProgress[];
  readonly #nodes: readonly string[];
  readonly #live = Deno.stdout.isTerminal();
  readonly #start = performance.now();
  #drawnLines = 0;

  constructor(clients: readonly ClientProgress[], nodes: readonly string[]) {
    this.#clients = clients;
    this.#nodes = nodes;
  }

  /** Shows the present state; `event` is what changed. */
  update(event?: string): void {
    if (this.#live) this.#draw();
    else if (event) console.log(`${this.seconds().toFixed(1).padStart(5)} s  ${event}`);
  }

  /** Since the board was made. */
  seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** The closing table: jobs of each client on each node, times, and the speed-up. */
  summary(): string {
    const rows = [["", "jobs", ...this.#nodes.map((node) => `on ${node}`)].concat([
      "job time",
      "took",
      "speed-up",
    ])];
    const row = (
      name: string,
      clients: readonly ClientProgress[],
      tookSeconds: number,
      speedUp: (jobSeconds: number) => string,
    ) => {
      const sum = (value: (client: ClientProgress) => number) =>
        clients.reduce((total, client) => total + value(client), 0);
      const jobSeconds = sum((client) => client.jobSeconds);
      rows.push([
        name,
        String(sum((client) => client.done)),
        ...this.#nodes.map((node) => String(sum((client) => client.doneOn.get(node) ?? 0))),
        `${jobSeconds.toFixed(1)} s`,
        `${tookSeconds.toFixed(1)} s`,
        speedUp(jobSeconds),
      ]);
    };
    for (const client of this.#clients) {
      row(client.name, [client], client.tookSeconds ?? 0, () => "");
    }
    const allSeconds = Math.max(...this.#clients.map((client) => client.tookSeconds ?? 0));
    row(
      "both at once",
      this.#clients,
      allSeconds,
      (jobSeconds) => `${(jobSeconds / allSeconds).toFixed(2)} x`,
    );
    const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
    return rows.map((row) =>
      row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ")
        .trimEnd()
    ).join("\n");
  }

  #draw(): void {
    const lines = this.#clients.map((client) => {
      const filled = Math.round(BAR_WIDTH * client.part);
      const bar = "#".repeat(filled).padEnd(BAR_WIDTH, ".");
      const done = `${String(client.done).padStart(3)} of ${client.jobs} done`;
      return `${client.name.padEnd(12)} [${bar}] ${done}`;
    });
    for (const node of this.#nodes) {
      const running = this.#clients.flatMap((client) =>
        [...client.running].filter(([, at]) => at === node).map(([job]) => `${client.name} ${job}`)
      );
      const done = this.#clients.map((client) => `${client.doneOn.get(node) ?? 0} ${client.name}`);
      lines.push(
        `node ${node}: done ${done.join(", ")}; running ${running.sort().join(", ") || "nothing"}`,
      );
    }
    const up = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A` : "";
    const text = up + lines.map((line) => `\r${line}${ERASE_LINE}\n`).join("");
    Deno.stdout.writeSync(new TextEncoder().encode(text));
    this.#drawnLines = lines.length;
  }
}
