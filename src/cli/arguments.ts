import {
  type AnyTable,
  longNames,
  optionEntries,
  type OptionName,
  optionNamed,
} from "./options.ts";
import { Selection } from "./selection.ts";
import { nearestWord } from "./suggestion.ts";
import { UsageError } from "./usage_error.ts";

const NEGATIVE_NUMBER = /^-(\d+\.?\d*|\.\d+)$/;

/**
 * Tells options from values the way Python's argparse does: `-1` and `-a b` (one argument with a
 * space in it) are values, and so is a lone `-`.
 */
function looksLikeOption(argument: string): boolean {
  return argument.length > 1 && argument.startsWith("-") && !NEGATIVE_NUMBER.test(argument) &&
    !argument.includes(" ");
}

/** Splits at the first `=`; the second part is undefined without one. */
function splitAtEquals(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Dashes and underscores in long names mean the same. */
function normalized(longName: string): string {
  return longName.replaceAll("-", "_");
}

/**
 * What may stand in a command line beside options: nothing; words among the options (`some`); or
 * another command line, whose first word ends the options (`rest`).
 */
export type Operands = "none" | "some" | "rest";

/**
 * Options of another program that users may expect, and what to write instead: by long name with
 * underscores, or by letter.
 */
export type ForeignOptions = Readonly<Record<string, string>>;

/** Reads one command line into a selection. */
class ArgumentReader<Table extends AnyTable> {
  readonly selection: Selection<Table>;
  readonly #table: Table;
  readonly #longNames: Map<string, OptionName<Table>>;
  readonly #shortNames = new Map<string, OptionName<Table>>();
  readonly #args: readonly string[];
  readonly #operands: Operands;
  readonly #foreign: ForeignOptions;
  #next = 0;

  constructor(
    args: readonly string[],
    table: Table,
    operands: Operands,
    foreign: ForeignOptions,
  ) {
    this.#args = args;
    this.#table = table;
    this.#operands = operands;
    this.#foreign = foreign;
    this.selection = new Selection(table);
    this.#longNames = longNames(table);
    for (const [name, option] of optionEntries(table)) {
      if (option.short !== undefined) this.#shortNames.set(option.short, name);
    }
  }

  read(): void {
    for (let arg = this.#take(); arg !== undefined; arg = this.#take()) {
      if (arg === "--") this.#takeRest();
      else if (arg.startsWith("--")) this.#readLong(arg);
      else if (arg.length > 1 && arg.startsWith("-")) this.#readShort(arg);
      else this.#takeOperand(arg);
      if (this.selection.has("help") || this.selection.has("version")) return;
    }
  }

  #take(): string | undefined {
    return this.#args[this.#next++];
  }

  #takeRest(): void {
    for (let arg = this.#take(); arg !== undefined; arg = this.#take()) this.#takeOperand(arg);
  }

  #takeOperand(arg: string): void {
    if (this.#operands !== "none") {
      this.selection.operands.push(arg);
      if (this.#operands === "rest") {
        this.selection.operands.push(...this.#args.slice(this.#next));
        this.#next = this.#args.length;
      }
      return;
    }
    throw new UsageError(
      `unexpected argument ${JSON.stringify(arg)}: every value belongs to an option ` +
        "(several nodes: -n NODE1 -n NODE2; all options: --help)",
    );
  }

  #readLong(arg: string): void {
    const [typed, attached] = splitAtEquals(arg.slice(2));
    const [shownName, name] = this.#resolveLong(normalized(typed), typed);
    this.#give(name, `--${shownName}`, attached);
  }

  /** Finds an option by its long name or an unambiguous beginning of it, as argparse does. */
  #resolveLong(given: string, typed: string): [string, OptionName<Table>] {
    const exact = this.#longNames.get(given);
    if (exact !== undefined) return [given, exact];
    const candidates = [...this.#longNames].filter(([long]) => given && long.startsWith(given));
    const [first] = candidates;
    if (first !== undefined && new Set(candidates.map(([, name]) => name)).size === 1) return first;
    const shown = JSON.stringify(`--${typed}`).slice(1, -1);
    if (first !== undefined) {
      const names = candidates.map(([long]) => `--${long}`).join(", ");
      throw new UsageError(`--${given}: could be any of ${names}; write more of the name`);
    }
    this.#refuseForeign(given, shown);
    const nearest = nearestWord(given, [...this.#longNames.keys()]);
    throw new UsageError(
      `${shown}: unknown option; ` +
        (nearest === undefined ? "--help lists all options" : `did you mean --${nearest}?`),
    );
  }

  /** Says what to write in place of an option of another program. */
  #refuseForeign(name: string, shown: string): void {
    const advice = Object.hasOwn(this.#foreign, name) ? this.#foreign[name] : undefined;
    if (advice !== undefined) throw new UsageError(`${shown}: unknown option; ${advice}`);
  }

  /** Reads `-n value`, `-nvalue`, `-n=value` and flags in one argument with it (`-dn value`). */
  #readShort(arg: string): void {
    const [word] = splitAtEquals(arg.slice(1));
    if (word.length > 2 && this.#longNames.has(normalized(word))) {
      throw new UsageError(
        `${arg}: long names begin with two dashes; did you mean --${normalized(word)}?`,
      );
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg.charAt(at);
      const name = this.#shortNames.get(letter);
      if (name === undefined) {
        this.#refuseForeign(letter, `-${letter}`);
        throw new UsageError(
          `${JSON.stringify(arg).slice(1, -1)}: unknown option; --help lists all options`,
        );
      }
      const rest = arg.slice(at + 1);
      if (optionNamed(this.#table, name).kind !== "flag" || rest.startsWith("=")) {
        this.#give(name, `-${letter}`, rest === "" ? undefined : rest.replace(/^=/, ""));
        return;
      }
      this.#give(name, `-${letter}`, undefined);
    }
  }

  #give(name: OptionName<Table>, origin: string, attached: string | undefined): void {
    const option = optionNamed(this.#table, name);
    if (option.kind === "flag") {
      if (attached !== undefined) {
        throw new UsageError(`${origin}: takes no value, but was given one; write just ${origin}`);
      }
      this.selection.giveFlag(name, origin);
      return;
    }
    let text = attached;
    if (text === undefined) {
      const following = this.#args[this.#next];
      if (following === undefined || looksLikeOption(following)) {
        throw new UsageError(
          `${origin}: needs a value; write ${origin} ${option.placeholder}` +
            (following === undefined || !origin.startsWith("--")
              ? ""
              : ` (or ${origin}=${option.placeholder} when the value begins with a dash)`),
        );
      }
      text = following;
      this.#next++;
    }
    this.selection.giveValue(name, text, origin);
  }
}

/**
 * Reads a command line: `--name value`, `--name=value`, `-n value`, `-nvalue`, flags; long names
 * may be shortened as long as they stay unambiguous. Stops at `--help` and `--version`.
 *
 * @param args The arguments, without the program's name.
 * @param table The options there are.
 * @param operands What else may stand there.
 * @param foreign Options of other programs that users may expect here.
 * @returns What was given.
 * @throws {UsageError} At the first mistake.
 */
export function readArguments<Table extends AnyTable>(
  args: readonly string[],
  table: Table,
  operands: Operands = "none",
  foreign: ForeignOptions = {},
): Selection<Table> {
  const reader = new ArgumentReader(args, table, operands, foreign);
  reader.read();
  return reader.selection;
}
