/**
 * The command lines to run, from wherever their inputs come.
 *
 * @module
 */

import { shellQuoted } from "../../cli/line_template.ts";
import type { SubmitConfig } from "../../cli/submit_options.ts";
import { messageOf } from "../../log/error_message.ts";
import { CommandError } from "../command_error.ts";

/** A command line to run. */
export interface Line {
  /** 1 for the first. */
  readonly number: number;
  /** What a shell runs. */
  readonly command: string;
  /** Files that it brings. */
  readonly depends: readonly string[];
}

/** What the lines are made of. */
export type LinePlan = Pick<SubmitConfig, "command" | "source" | "lineDepends">;

/** How many lines there will be; `null` where only the end of a file tells. */
export function countLines({ source }: LinePlan): number | null {
  switch (source.kind) {
    case "none":
      return 1;
    case "lists":
      return source.lists.reduce((product, list) => product * list.length, 1);
    case "file":
      return null;
  }
}

/**
 * Makes the lines one after the other. Blank ones are left out where they are command lines.
 *
 * @param open Opens the file that inputs are read from.
 * @throws {CommandError} where it cannot be read
 */
export async function* makeLines(
  plan: LinePlan,
  open: (path: string) => Promise<ReadableStream<Uint8Array>> = openInput,
): AsyncGenerator<Line> {
  const { command, lineDepends } = plan;
  let number = 0;
  for await (const inputs of inputsOf(plan, open)) {
    const text = command === null ? inputs[0] ?? "" : null;
    if (text !== null && text.trim() === "") continue;
    number++;
    yield {
      number,
      command: text ?? command!.fill(inputs, number, shellQuoted),
      depends: lineDepends.map((template) => template.fill(inputs, number)),
    };
  }
}

async function* inputsOf(
  { source }: LinePlan,
  open: (path: string) => Promise<ReadableStream<Uint8Array>>,
): AsyncGenerator<readonly string[]> {
  switch (source.kind) {
    case "none":
      yield [];
      return;
    case "lists":
      yield* combinations(source.lists);
      return;
    case "file": {
      const separator = source.isNullSeparated ? "\0" : "\n";
      const name = source.path === "-" ? "standard input" : source.path;
      for await (const input of records(await open(source.path), separator, name)) yield [input];
    }
  }
}

/** One text from each list, the last list's changing fastest. */
function* combinations(lists: readonly (readonly string[])[]): Generator<readonly string[]> {
  const [first, ...others] = lists;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const text of first) {
    for (const rest of combinations(others)) yield [text, ...rest];
  }
}

async function* records(
  stream: ReadableStream<Uint8Array>,
  separator: string,
  name: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let count = 0;
  const decode = (bytes?: Uint8Array) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new CommandError(`${name}: what stands behind line ${count} is not UTF-8 text`);
    }
  };
  for await (const bytes of stream) {
    const pieces = (rest + decode(bytes)).split(separator);
    rest = pieces.pop()!;
    for (const piece of pieces) {
      count++;
      if (piece.includes("\0")) throw new CommandError(`${name}: line ${count} holds a NUL`);
      yield piece;
    }
  }
  rest += decode();
  if (rest !== "") yield rest;
}

/** Opens a file, or standard input for `-`. */
async function openInput(path: string): Promise<ReadableStream<Uint8Array>> {
  if (path === "-") return Deno.stdin.readable;
  try {
    return (await Deno.open(path)).readable;
  } catch (error) {
    throw new CommandError(`cannot read ${JSON.stringify(path)}: ${messageOf(error)}`);
  }
}
