import type { CliEnvironment } from "../../../src/cli/environment.ts";
import { OPTIONS, type OptionTable } from "../../../src/cli/options.ts";

/** A machine without a disk: files are strings, or errors to throw. */
export class FakeEnvironment implements CliEnvironment {
  readonly files: Map<string, string | Error>;
  /** Files that every user may read. */
  readonly open = new Set<string>();
  hasInputData = false;
  /** The first line of standard input. */
  inputLine = "";
  readonly #variables: Readonly<Record<string, string>>;

  constructor(
    files: Record<string, string | Error> = {},
    variables: Readonly<Record<string, string>> = {},
  ) {
    this.files = new Map(Object.entries(files));
    this.#variables = variables;
  }

  isReadableByAll(path: string): boolean {
    return this.open.has(path);
  }

  variable(name: string): string | undefined {
    return this.#variables[name];
  }

  readInputLine(): string {
    return this.inputLine;
  }

  mayRead(): boolean {
    return true;
  }

  readTextFile(path: string): string {
    const file = this.files.get(path) ?? new Deno.errors.NotFound("No such file");
    if (file instanceof Error) throw file;
    return file;
  }

  writePrivateFile(path: string, text: string): void {
    const file = this.files.get(path);
    if (file instanceof Error) throw file;
    this.files.set(path, text);
  }
}

/** The program's options as if all of them worked already. */
export const ALL_AVAILABLE: OptionTable = Object.fromEntries(
  Object.entries(OPTIONS).map(([name, option]) => [name, { ...option, availability: "available" }]),
) as OptionTable;
