import { fstatSync } from "node:fs";
import { UsageError } from "./usage_error.ts";

/** What the command line needs of the machine; tests pass their own. */
export interface CliEnvironment {
  /** Reads a UTF-8 text file; throws as `Deno.readTextFileSync` does, `TypeError` for other text. */
  readTextFile(path: string): string;
  /** Whether every user of this machine may read the file; false where nobody can tell. */
  isReadableByAll(path: string): boolean;
  /** An environment variable; undefined when it is not set or may not be read. */
  variable(name: string): string | undefined;
  /** Whether Deno lets an environment variable be read. */
  mayRead(name: string): boolean;
  /** Whether standard input is a file or a pipe, and so holds data: not a terminal, not /dev/null. */
  readonly hasInputData: boolean;
  /** Reads the next line of standard input, and nothing behind it. */
  readInputLine(): string;
  /** Writes a file which only its owner may read (mode 0600), replacing what is there. */
  writePrivateFile(path: string, text: string): void;
}

/** The last of the three read bits of a file's mode. */
const READABLE_BY_ALL = 0o004;

const STDIN_FD = 0;

const NEWLINE = 10;

function mayRead(variable: string): boolean {
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}

/** The real machine. */
export const SYSTEM_ENVIRONMENT: CliEnvironment = {
  readTextFile(path) {
    return new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path));
  },
  isReadableByAll(path) {
    const { mode } = Deno.statSync(path);
    return mode !== null && (mode & READABLE_BY_ALL) !== 0;
  },
  // Neither needs `this`: they are passed on as functions, too.
  variable: (name) => mayRead(name) ? Deno.env.get(name) : undefined,
  mayRead,
  get hasInputData() {
    try {
      const info = fstatSync(STDIN_FD);
      return info.isFIFO() || info.isFile() || info.isSocket();
    } catch {
      return false; // closed, or a system that does not tell
    }
  },
  readInputLine() {
    const bytes: number[] = [];
    const next = new Uint8Array(1);
    while (Deno.stdin.readSync(next) === 1 && next[0] !== NEWLINE) bytes.push(next[0]!);
    return new TextDecoder().decode(new Uint8Array(bytes)).replace(/\r$/, "");
  },
  writePrivateFile(path, text) {
    // The mode given to open counts for new files only, so an existing one is closed to others
    // before the secrets go in.
    using file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
    if (Deno.build.os !== "windows") Deno.chmodSync(path, 0o600);
    file.truncateSync(0);
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) {
      written += file.writeSync(bytes.subarray(written));
    }
  },
};

/** Says in plain words why a file could not be used. */
export function fileProblem(error: unknown, path: string, access: "read" | "write"): string {
  if (error instanceof Deno.errors.NotCapable) {
    return `Deno was not allowed to; start it with --allow-${access}=${path}`;
  }
  if (error instanceof Deno.errors.NotFound) {
    return access === "read" ? "there is no such file" : "its directory does not exist";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "the system denies permission";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory; give a file";
  if (error instanceof TypeError) return "it is not UTF-8 text";
  return error instanceof Error ? error.message.replaceAll(/\s+/g, " ") : String(error);
}

/**
 * Reads a file that an option names.
 *
 * @param environment The machine.
 * @param path The file.
 * @param origin How messages name the option.
 * @returns The file's text.
 * @throws {UsageError} When it cannot be read; says why and what to do.
 */
export function readOptionFile(environment: CliEnvironment, path: string, origin: string): string {
  try {
    return environment.readTextFile(path);
  } catch (error) {
    const problem = fileProblem(error, path, "read");
    throw new UsageError(`${origin}: cannot read ${JSON.stringify(path)}: ${problem}`);
  }
}

/**
 * Writes a file that an option names, for its owner's eyes only.
 *
 * @param environment The machine.
 * @param path The file.
 * @param text Its content.
 * @param origin How messages name the option.
 * @throws {UsageError} When it cannot be written; says why and what to do.
 */
export function writeOptionFile(
  environment: CliEnvironment,
  path: string,
  text: string,
  origin: string,
): void {
  try {
    environment.writePrivateFile(path, text);
  } catch (error) {
    const problem = fileProblem(error, path, "write");
    throw new UsageError(`${origin}: cannot write ${JSON.stringify(path)}: ${problem}`);
  }
}
