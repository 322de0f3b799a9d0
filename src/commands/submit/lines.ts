/**
 * The command lines to run, from wherever their inputs come.
 *
 * @module
 */

import { fileProblem } from "../../cli/environment.ts";
import { shellQuoted } from "../../cli/line_template.ts";
import { type InputList, isStandardInput, type SubmitConfig } from "../../cli/submit_options.ts";
import { messageOf } from "../../log/error_message.ts";
import { CommandError } from "../command_error.ts";
import { linePlace } from "./place.ts";

/** A command line to run. */
export interface Line {
  /** 1 for the first. */
  readonly number: number;
  /** What a shell runs. */
  readonly command: string;
  /** Files that it brings, as the user wrote them. */
  readonly depends: readonly string[];
}

/** What the lines are made of. */
export type LinePlan = Pick<SubmitConfig, "command" | "source" | "lineDepends">;

/** How many lines there will be; `null` where only the end of a file tells. */
export function countLines({ source: { lists } }: LinePlan): number | null {
  let product = 1;
  for (const group of linkedGroups(lists)) {
    const counts = group.map(({ from }) => "texts" in from ? from.texts.length : null);
    if (counts.includes(null)) return null;
    product *= Math.min(...counts as number[]);
  }
  return product;
}

/** Opens a file of inputs by its path. */
export type OpenInput = (path: string) => Promise<ReadableStream<Uint8Array>>;

/**
 * Opens all inputs, and makes the lines one after the other. Blank ones are left out where they
 * are command lines.
 *
 * @param open Opens a file that inputs are read from.
 * @throws {CommandError} where one cannot be opened; the lines, where it cannot be read
 */
export async function openLines(
  plan: LinePlan,
  open: OpenInput = openInput,
): Promise<AsyncGenerator<Line>> {
  const inputs = await Promise.all(
    plan.source.lists.map((list) => openList(list, plan.source.isNullSeparated, open)),
  );
  return makeLines(plan, inputs);
}

async function* makeLines(plan: LinePlan, inputs: readonly Inputs[]): AsyncGenerator<Line> {
  const { command, lineDepends, source } = plan;
  const count = source.lists.length;
  const leading = new Set(lineDepends.flatMap((template) => template.inputsThatLead(count)));
  let number = 0;
  for await (const texts of combinations(source.lists, inputs)) {
    const text = command === null ? texts[0] ?? "" : null;
    if (text !== null && text.trim() === "") continue;
    number++;
    const placed = texts.map((each, index) => leading.has(index) ? linePlace(each) : each);
    yield {
      number,
      command: text ?? command!.fill(placed, number, shellQuoted),
      depends: distinctPlaces(lineDepends.map((template) => template.fill(texts, number)), number),
    };
  }
}

/** The files of a line; throws where two of them would have one place. */
function distinctPlaces(paths: readonly string[], number: number): readonly string[] {
  const byPlace = new Map<string, string>();
  for (const path of new Set(paths)) {
    const place = linePlace(path);
    const other = byPlace.get(place);
    if (other !== undefined) {
      throw new CommandError(
        `line ${number}: ${JSON.stringify(other)} and ${JSON.stringify(path)} would both be ` +
          `${JSON.stringify(place)} at the node; give one of them another name`,
      );
    }
    byPlace.set(place, path);
  }
  return [...byPlace.values()];
}

/** One list's inputs. */
type Inputs = AsyncIterable<string> | readonly string[];

async function openList(
  { from }: InputList,
  isNullSeparated: boolean,
  open: OpenInput,
): Promise<Inputs> {
  if ("texts" in from) return from.texts;
  const separator = isNullSeparated ? "\0" : "\n";
  const streams = await Promise.all(
    from.files.map(async (path) => ({ name: shownPath(path), stream: await open(path) })),
  );
  return (async function* () {
    for (const { stream, name } of streams) yield* records(stream, separator, name);
  })();
}

/** Lists that go in step, together. */
function linkedGroups(lists: readonly InputList[]): InputList[][] {
  const groups: InputList[][] = [];
  for (const list of lists) {
    if (list.isLinked) groups.at(-1)!.push(list);
    else groups.push([list]);
  }
  return groups;
}

/**
 * One text from each list, in all combinations, the last list's changing fastest; linked lists go
 * in step. The first group is read as it comes, the others are read to their ends before.
 */
async function* combinations(
  lists: readonly InputList[],
  inputs: readonly Inputs[],
): AsyncGenerator<readonly string[]> {
  const groups: AsyncGenerator<string[]>[] = [];
  let at = 0;
  for (const group of linkedGroups(lists)) {
    groups.push(inStep(inputs.slice(at, at + group.length)));
    at += group.length;
  }
  const [first, ...others] = groups;
  if (first === undefined) return yield [];
  const rest = await Promise.all(others.map((group) => Array.fromAsync(group)));
  for await (const texts of first) {
    for (const tail of product(rest)) yield [...texts, ...tail];
  }
}

/** One text from each, until the shortest ends. */
async function* inStep(inputs: readonly Inputs[]): AsyncGenerator<string[]> {
  const iterators = inputs.map(async function* (each) {
    yield* each;
  });
  while (true) {
    const next = await Promise.all(iterators.map((iterator) => iterator.next()));
    if (next.some(({ done }) => done)) return;
    yield next.map(({ value }) => value as string);
  }
}

function* product(groups: readonly (readonly string[])[][]): Generator<string[]> {
  const [first, ...others] = groups;
  if (first === undefined) return yield [];
  for (const texts of first) {
    for (const tail of product(others)) yield [...texts, ...tail];
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
  for await (const bytes of readable(stream, name)) {
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

/** What a stream brings; where it cannot be read, the error names it. */
async function* readable(
  stream: ReadableStream<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw new CommandError(`cannot read ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** Opens a file, or standard input for `-`. */
async function openInput(path: string): Promise<ReadableStream<Uint8Array>> {
  if (isStandardInput(path)) return Deno.stdin.readable;
  const unreadable = (reason: string, cause?: unknown) =>
    new CommandError(`cannot read inputs from ${shownPath(path)}: ${reason}`, { cause });
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    throw unreadable(fileProblem(error, path, "read"), error);
  }
  // Opening one works on most systems, reading does not.
  if ((await file.stat()).isDirectory) {
    file.close();
    throw unreadable("it is a directory; give a file");
  }
  return file.readable;
}

function shownPath(path: string): string {
  return isStandardInput(path) ? "standard input" : JSON.stringify(path);
}
