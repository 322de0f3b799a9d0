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
  /** Which input, from 1 on; 0 = all of them; `"#"` = the line's own number. */
  readonly input: number | "#";
  readonly part: Part;
}

/** Not behind a `$`: `${1}` is the shell's. */
const PLACEHOLDER = /(?<!\$)\{(?:(#)|(\d*)(\/\/|\/\.|\.|\/)?)\}/g;

/** What needs no quotes in a shell, wherever it stands. */
const HARMLESS = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A text as one word of a POSIX shell's command line. */
export function shellQuoted(text: string): string {
  return HARMLESS.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A text with placeholders in it. */
export class LineTemplate {
  readonly #pieces: readonly (string | Placeholder)[];

  constructor(text: string) {
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

  /**
   * Checks that there is an input for every placeholder.
   *
   * @param inputs How many inputs a line has.
   * @throws {UsageError}
   */
  requireInputs(inputs: number): void {
    const missing = this.#placeholders()
      .find(({ input }) => input !== "#" && (input || 1) > inputs);
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
      const meant = input === 0 ? inputs : inputs.slice(input - 1, input);
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
