/**
 * Command lines with placeholders, as GNU parallel has them: `gzip {}`, `convert {} {.}.png`.
 *
 * @module
 */

import { UsageError } from "./usage_error.ts";

/** What a placeholder stands for: a whole input, or the part of it that matters in a path. */
type Part = "" | "." | "/" | "//" | "/.";

/** A placeholder, `{1.}` for example. */
interface Placeholder {
  /** As it was written. */
  readonly text: string;
  /**
   * Which input: from 1 on, or from -1 on counted from the last; 0 = all of them; `"#"` = the
   * line's own number.
   */
  readonly input: number | "#";
  readonly part: Part;
}

/** Not behind a `$`: `${1}` is the shell's. */
const PLACEHOLDER = /(?<!\$)\{(?:(#)|((?:-?[1-9]\d*)?)(\/\/|\/\.|\.|\/)?)\}/g;

/** Placeholders of GNU parallel that mean nothing here, with what to write instead. */
const UNSUPPORTED: readonly [pattern: RegExp, advice: string][] = [
  [
    /(?<!\$)\{%\}/,
    "command lines have no job slots here; {#} is the number of the line, and each line has a " +
    "folder of its own",
  ],
  [
    /(?<!\$)\{=.*?=\}/s,
    "Perl expressions are not supported; change the input with the shell in the command itself, " +
    "or with sed before submit reads it",
  ],
];

/** What needs no quotes in a shell, wherever it stands. */
const HARMLESS = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A text as one word of a POSIX shell's command line. */
export function shellQuoted(text: string): string {
  return HARMLESS.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text with placeholders in it. */
export class LineTemplate {
  readonly #pieces: readonly (string | Placeholder)[];

  /**
   * @param text Everything but placeholders is taken literally.
   * @throws {UsageError} where it holds a placeholder of GNU parallel that is not supported
   */
  constructor(text: string) {
    for (const [pattern, advice] of UNSUPPORTED) {
      const [found] = text.match(pattern) ?? [];
      if (found === undefined) continue;
      throw new UsageError(
        `${found}: ${advice}; to pass it on as it is, write '{'${found.slice(1)}`,
      );
    }
    const pieces: (string | Placeholder)[] = [];
    let end = 0;
    for (const match of text.matchAll(PLACEHOLDER)) {
      const [whole, sequence, input = "", part = ""] = match;
      pieces.push(text.slice(end, match.index), {
        text: whole,
        input: sequence === undefined ? Number(input) : "#",
        part: part as Part,
      });
      end = match.index + whole.length;
    }
    pieces.push(text.slice(end));
    this.#pieces = pieces;
  }

  /** Whether it has placeholders that stand for inputs. */
  get takesInputs(): boolean {
    return this.#placeholders().some(({ input }) => input !== "#");
  }

  /** Whether it has placeholders of any kind. */
  get hasPlaceholders(): boolean {
    return this.#placeholders().length > 0;
  }

  /**
   * Which of the inputs of a line name the file that this template names, or one beside it: the
   * template begins with the input's path.
   *
   * @param count How many inputs a line has.
   * @returns Indices from 0 on.
   */
  inputsThatLead(count: number): number[] {
    const [before, first] = this.#pieces;
    if (before !== "" || first === undefined || typeof first === "string") return [];
    const { input, part } = first;
    if (input === "#" || part === "/" || part === "/.") return [];
    if (input === 0) return count === 1 ? [0] : [];
    return [input < 0 ? count + input : input - 1];
  }

  /**
   * Checks that there is an input for every placeholder.
   *
   * @param inputs How many inputs a line has.
   * @throws {UsageError}
   */
  requireInputs(inputs: number): void {
    const missing = this.#placeholders()
      .find(({ input }) => input !== "#" && (Math.abs(input) || 1) > inputs);
    if (missing === undefined) return;
    throw new UsageError(
      `${missing.text}: there is no such input; ` +
        (inputs === 0
          ? "inputs come behind :::, or from --arg_file"
          : `each line has ${inputs}: one, or one for each ::: of the command line`),
    );
  }

  /**
   * Puts inputs in.
   *
   * @param inputs Those of one line.
   * @param number The line's number.
   * @param quoted Makes an input one word of a command line; as it is when absent.
   */
  fill(
    inputs: readonly string[],
    number: number,
    quoted: (text: string) => string = (text) => text,
  ): string {
    return this.#pieces.map((piece) => {
      if (typeof piece === "string") return piece;
      const { input, part } = piece;
      if (input === "#") return String(number);
      const index = input < 0 ? inputs.length + input : input - 1;
      const meant = input === 0 ? inputs : inputs.slice(index, index + 1);
      return meant.map((text) => quoted(partOf(text, part))).join(" ");
    }).join("");
  }

  #placeholders(): Placeholder[] {
    return this.#pieces.filter((piece) => typeof piece !== "string");
  }
}

function partOf(path: string, part: Part): string {
  const slash = path.lastIndexOf("/");
  switch (part) {
    case "":
      return path;
    case ".":
      return withoutExtension(path);
    case "/":
      return path.slice(slash + 1);
    case "//":
      return slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
    case "/.":
      return withoutExtension(path.slice(slash + 1));
  }
}

/** Without the last dot of the name, and what follows; names that begin with their dot keep it. */
function withoutExtension(path: string): string {
  return path.replace(/(?<=[^/])\.[^./]*$/, "");
}
