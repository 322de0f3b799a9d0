import {
  type AnyTable,
  type OptionName,
  optionNamed,
  type OptionTable,
  type OptionValues,
} from "./options.ts";
import { UsageError } from "./usage_error.ts";
import { ValueError } from "./values.ts";

/** Of each row at most one option applies: naming one replaces the others. */
const ALTERNATIVES: readonly (readonly string[])[] = [
  ["fair_cluster_scheduler", "early_cluster_scheduler"],
  ["node_secret", "node_secret_file"],
  ["cluster_secret", "cluster_secret_file"],
];

/** The options which one source (command line, configuration file) gave, read and checked. */
export class Selection<Table extends AnyTable = OptionTable> {
  /** What stood among the options and belongs to none of them, in order. */
  readonly operands: string[] = [];
  readonly #table: Table;
  readonly #values = new Map<string, unknown>();
  readonly #origins = new Map<string, string>();

  /** @param table The options there are. */
  constructor(table: Table) {
    this.#table = table;
  }

  /** What was given, by main name. */
  get values(): OptionValues<Table> {
    return Object.fromEntries(this.#values) as OptionValues<Table>;
  }

  /** Whether an option was given. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** How messages say where an option was given: `--port` or `my.ini, line 3, dispy_port`. */
  origin(name: OptionName<Table>): string {
    return this.#origins.get(name) ?? `--${name}`;
  }

  /**
   * Takes a flag that is set.
   *
   * @param name The option's main name.
   * @param origin How messages say where it was given.
   */
  giveFlag(name: OptionName<Table>, origin: string): void {
    this.#values.set(name, true);
    this.#origins.set(name, origin);
  }

  /**
   * Takes a value; those of a list option are collected.
   *
   * @param name The option's main name.
   * @param text The value as given.
   * @param origin How messages say where it was given.
   * @throws {UsageError} When the option already has its one value, or does
   *   not take this value.
   */
  giveValue(name: OptionName<Table>, text: string, origin: string): void {
    const option = optionNamed(this.#table, name);
    if (option.kind === "flag") throw new TypeError(`option ${name} takes no value`);
    if (option.kind === "value" && this.#values.has(name)) {
      throw new UsageError(`${origin}: given more than once, but it takes one value`);
    }
    let parsed: unknown;
    try {
      parsed = option.parse(text);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const shown = option.secret ? "the value" : JSON.stringify(text);
      throw new UsageError(`${origin}: ${shown} is not ${error.message}`);
    }
    if (option.kind === "list") {
      const before = this.#values.get(name);
      this.#values.set(name, [...(Array.isArray(before) ? before : []), parsed]);
    } else {
      this.#values.set(name, parsed);
    }
    this.#origins.set(name, origin);
  }

  /**
   * Lays this selection over another one.
   *
   * @param base What applies where this selection says nothing.
   * @returns A new selection.
   */
  over(base: Selection<Table>): Selection<Table> {
    const merged = new Selection(this.#table);
    const replaced = ALTERNATIVES.filter((row) => row.some((name) => this.has(name))).flat();
    for (const source of [base, this]) {
      for (const [name, value] of source.#values) {
        if (source === base && replaced.includes(name)) continue;
        merged.#values.set(name, value);
        merged.#origins.set(name, source.#origins.get(name)!);
      }
    }
    return merged;
  }

  /** A line for each option that was given and does nothing in this version. */
  unavailable(): string[] {
    const given = [...this.#values].filter(([name, value]) =>
      value !== false && optionNamed(this.#table, name).availability === "not available yet"
    );
    return given.map(([name]) =>
      `${this.origin(name)}: not available yet in this version; goes on without it`
    );
  }
}
