/**
 * Which Pythons this machine has: on PATH, or among the versions of pyenv.
 *
 * @module
 */

import type { Unavailable } from "./venv.ts";

/** A Python interpreter. */
export interface Python {
  readonly path: string;
  readonly version: readonly [major: number, minor: number, micro: number];
}

/** What came of a program. */
export interface Outcome {
  readonly code: number;
  /** What it wrote on both streams. */
  readonly text: string;
}

/** Runs a program to its end; one that cannot be started ends with 127. */
export async function run(program: string, ...args: string[]): Promise<Outcome> {
  try {
    const output = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    return {
      code: output.code,
      text: [decode(output.stdout), decode(output.stderr)].filter(Boolean).join("\n"),
    };
  } catch (error) {
    return { code: 127, text: error instanceof Error ? error.message : String(error) };
  }
}

/** Prints the interpreter's own path, as a name on PATH may be a script that chooses one. */
const ASK = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";

async function ask(program: string): Promise<Python | string> {
  const { code, text } = await run(program, "-c", ASK);
  const [path = "", version = ""] = text.split("\n");
  if (code !== 0) return text.split("\n").at(-1) ?? "";
  const [major = 0, minor = 0, micro = 0] = version.split(".").map(Number);
  return { path, version: [major, minor, micro] };
}

/** Interpreters of pyenv called `name`. */
async function ofPyenv(name: string): Promise<string[]> {
  const root = Deno.env.get("PYENV_ROOT") ?? `${Deno.env.get("HOME")}/.pyenv`;
  const found = [];
  try {
    for await (const version of Deno.readDir(`${root}/versions`)) {
      const path = `${root}/versions/${version.name}/bin/${name}`;
      if (await Deno.stat(path).then((stat) => stat.isFile, () => false)) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

/**
 * Finds the Python `version` (`3`: the `python3` on PATH; `2.7`, `3.6`, …: also of pyenv).
 *
 * @returns the interpreter, or the reason why there is none
 */
export async function findPython(version: string): Promise<Python | Unavailable> {
  const name = `python${version}`;
  const candidates = [name, ...(version.includes(".") ? await ofPyenv(name) : [])];
  let reason = "";
  for (const candidate of candidates) {
    const python = await ask(candidate);
    if (typeof python !== "string") return python;
    reason ||= python;
  }
  return {
    unavailable: `no usable ${name} on PATH${
      candidates.length > 1 ? " or of pyenv" : ""
    }: ${reason}`,
  };
}
