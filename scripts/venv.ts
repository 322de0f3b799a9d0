/**
 * The Python environment with the real dispy that the interop tests and benchmarks talk to.
 *
 * Made once in `.venv/` of the checkout and kept; made again when the pinned requirements or the
 * Python behind it change. Run as a script, it prints the path of the environment's Python.
 *
 *     deno run -A scripts/venv.ts
 *
 * @module
 */

/** What is installed: the dispy release users have today, and the psutil its node needs. */
export const REQUIREMENTS: readonly string[] = ["dispy==4.15.2", "psutil==7.2.2"];

/** dispy needs a `python3` from here … */
const OLDEST_MINOR = 8;
/** … to here: from 3.14 on `multiprocessing` no longer forks, which dispynode relies on. */
const NEWEST_MINOR = 13;

/** An environment that is ready to use. */
export interface Venv {
  /** Path of the Python interpreter. */
  readonly python: string;
  /** Folder of the environment's programs (`dispynode.py`, `dispyscheduler.py`). */
  readonly bin: string;
}

/** Why there is no environment, in one line fit to show to a person. */
export interface Unavailable {
  readonly unavailable: string;
}

const ROOT = new URL("../", import.meta.url).pathname.replace(/\/$/, "");
const VENV_DIR = `${ROOT}/.venv`;
const LOCK_DIR = `${ROOT}/.cache`;

interface Outcome {
  readonly code: number;
  readonly text: string;
}

async function run(program: string, ...args: string[]): Promise<Outcome> {
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

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

async function fileText(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function make(stamp: string): Promise<Venv | Unavailable> {
  const venv: Venv = { python: `${VENV_DIR}/bin/python`, bin: `${VENV_DIR}/bin` };
  if (await fileText(`${VENV_DIR}/stamp`) === stamp) return venv;

  await Deno.remove(VENV_DIR, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const steps: [what: string, program: string, args: string[]][] = [
    ["make a virtual environment", "python3", ["-m", "venv", VENV_DIR]],
    ["install the requirements", venv.python, [
      ...["-m", "pip", "install", "--disable-pip-version-check", "--quiet"],
      ...REQUIREMENTS,
    ]],
    ["load dispy", venv.python, ["-c", "import dispy, psutil"]],
    ["run dispynode.py", venv.python, [`${venv.bin}/dispynode.py`, "--help"]],
  ];
  for (const [what, program, args] of steps) {
    const { code, text } = await run(program, ...args);
    if (code !== 0) return { unavailable: `could not ${what}: ${lastLine(text)}` };
  }
  await Deno.writeTextFile(`${VENV_DIR}/stamp`, stamp);
  return venv;
}

/**
 * Makes the environment if it is not there, and returns where it is; safe to call from several
 * processes at once.
 *
 * @returns the environment, or the reason why there can be none on this machine
 * @throws when the checkout cannot be written to
 */
export async function ensureVenv(): Promise<Venv | Unavailable> {
  const version = await run("python3", "-c", "import sys; print(*sys.version_info[:3])");
  if (version.code !== 0) {
    return { unavailable: `no usable python3 on PATH: ${lastLine(version.text)}` };
  }
  const [major = 0, minor = 0] = version.text.split(" ").map(Number);
  if (major !== 3 || minor < OLDEST_MINOR || minor > NEWEST_MINOR) {
    return {
      unavailable: `dispy's node runs on Python 3.${OLDEST_MINOR} to 3.${NEWEST_MINOR}, ` +
        `the python3 on PATH is ${version.text.replaceAll(" ", ".")}`,
    };
  }

  await Deno.mkdir(LOCK_DIR, { recursive: true });
  using lock = await Deno.open(`${LOCK_DIR}/venv.lock`, { create: true, write: true });
  await lock.lock(true);
  return await make(`${version.text}\n${REQUIREMENTS.join("\n")}\n`);
}

if (import.meta.main) {
  const venv = await ensureVenv();
  if ("unavailable" in venv) {
    console.error(venv.unavailable);
    Deno.exit(1);
  }
  console.log(venv.python);
}
