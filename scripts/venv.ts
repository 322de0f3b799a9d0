/**
 * The Python environments with the real dispy that the interop tests and benchmarks talk to.
 *
 * {@linkcode ensureVenv} is the one that most of them use: today's dispy with the `python3` on
 * PATH, in `.venv/` of the checkout. {@linkcode ensureRelease} is one for any pair of a dispy
 * release and a Python, in a folder of its own below `.venv/releases/`. Each is made once and
 * kept, and made again when its pinned requirements or the Python behind it change. Run as a
 * script, it prints the path of the environment's Python.
 *
 *     deno run -A scripts/venv.ts [RELEASE [PYTHON]]
 *
 * @module
 */

import { findPython, type Python, run } from "./pythons.ts";

/** The dispy release that users have today. */
export const CURRENT_RELEASE = "4.15.2";

const PSUTIL = "psutil==7.2.2";
/** The newest psutil with a wheel for Python 2.7, and one that pip finds for 3.6, too. */
const OLD_PSUTIL = "psutil==6.1.1";

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
const RELEASES_DIR = `${VENV_DIR}/releases`;
const LOCK_DIR = `${ROOT}/.cache`;
const PIP_OPTIONS = ["--quiet", "--disable-pip-version-check", "--compile", "--no-deps"];

/** dispy checks the signature of callbacks with a function that Python 3.11 dropped. */
const PUT_BACK = `\
import inspect

if not hasattr(inspect, 'getargspec'):
    from collections import namedtuple
    _ArgSpec = namedtuple('ArgSpec', 'args varargs keywords defaults')

    def _getargspec(function):
        return _ArgSpec(*inspect.getfullargspec(function)[:4])

    inspect.getargspec = _getargspec
`;

type Step = readonly [what: string, program: string, args: readonly string[]];

/** The framework below dispy and the psutil for its node, pinned for each release and Python. */
export function requirementsOf(release: string, python: Pick<Python, "version">): string[] {
  const [major, minor] = python.version;
  const [, middle = 0] = release.split(".").map(Number);
  // From pycos 4.9 on, calls of older dispys about their clusters return nothing.
  const pycos = middle < 12 ? "pycos==4.8.15" : "pycos==4.12.2";
  const framework = middle < 8 ? "asyncoro==4.5.6" : pycos;
  const psutil = major === 2 || minor < 7 ? OLD_PSUTIL : PSUTIL;
  return [`dispy==${release}`, framework, psutil];
}

async function fileText(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function carryOut(steps: readonly Step[]): Promise<Unavailable | undefined> {
  for (const [what, program, args] of steps) {
    const { code, text } = await run(program, ...args);
    if (code !== 0) return { unavailable: `could not ${what}: ${text.split("\n").at(-1)}` };
  }
  return undefined;
}

/** Calls `make` unless `dir` holds what `stamp` says; one process at a time for each `dir`. */
async function once(
  dir: string,
  stamp: string,
  make: (venv: Venv) => Promise<Unavailable | undefined>,
): Promise<Venv | Unavailable> {
  const venv: Venv = { python: `${dir}/bin/python`, bin: `${dir}/bin` };
  const name = dir.slice(ROOT.length + 1).replace(/^\./, "").replaceAll("/", "-");
  await Deno.mkdir(LOCK_DIR, { recursive: true });
  using lock = await Deno.open(`${LOCK_DIR}/${name}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (await fileText(`${dir}/stamp`) === stamp) return venv;
  await Deno.mkdir(dir, { recursive: true });
  for await (const { name } of Deno.readDir(dir)) {
    // The other environments stay when the one that holds them is made again.
    if (`${dir}/${name}` !== RELEASES_DIR) await Deno.remove(`${dir}/${name}`, { recursive: true });
  }
  const problem = await make(venv) ?? await putBack(venv) ?? await carryOut(checks(venv));
  if (problem !== undefined) return problem;
  await Deno.writeTextFile(`${dir}/stamp`, stamp);
  return venv;
}

/** Gives an environment what its dispy needs and its Python has dropped. */
async function putBack(venv: Venv): Promise<Unavailable | undefined> {
  const script = "import sysconfig; print(sysconfig.get_path('purelib'))";
  const { code, text: folder } = await run(venv.python, "-c", script);
  if (code !== 0) return { unavailable: `could not ask for the folder of packages: ${folder}` };
  // Python 2 finds its packages elsewhere, and has dropped nothing.
  if (!folder.startsWith(VENV_DIR)) return undefined;
  await Deno.writeTextFile(`${folder}/put_back.py`, PUT_BACK);
  await Deno.writeTextFile(`${folder}/put_back.pth`, "import put_back\n");
}

function checks(venv: Venv): Step[] {
  return [
    ["load dispy", venv.python, ["-c", "import dispy, psutil"]],
    ["run dispynode.py", venv.python, [`${venv.bin}/dispynode.py`, "--help"]],
  ];
}

/**
 * Makes the environment if it is not there, and returns where it is; safe to call from several
 * processes at once.
 *
 * @returns the environment, or the reason why there can be none on this machine
 * @throws when the checkout cannot be written to
 */
export async function ensureVenv(): Promise<Venv | Unavailable> {
  const python = await findPython("3");
  if ("unavailable" in python) return python;
  const [major, minor] = python.version;
  if (major !== 3 || minor < OLDEST_MINOR || minor > NEWEST_MINOR) {
    return {
      unavailable: `dispy's node runs on Python 3.${OLDEST_MINOR} to 3.${NEWEST_MINOR}, ` +
        `the python3 on PATH is ${python.version.join(".")}`,
    };
  }
  const requirements = requirementsOf(CURRENT_RELEASE, python);
  return await once(VENV_DIR, stampOf(python, requirements), (venv) =>
    carryOut([
      ["make a virtual environment", python.path, ["-m", "venv", VENV_DIR]],
      [
        "install the requirements",
        venv.python,
        ["-m", "pip", "install", ...PIP_OPTIONS, ...requirements],
      ],
    ]));
}

/**
 * Makes the environment of a dispy release with a Python (`2.7`, `3.6`, …; the `python3` on PATH
 * when absent), as {@linkcode ensureVenv} does.
 *
 * @returns the environment, or the reason why there can be none on this machine
 * @throws when the checkout cannot be written to
 */
export async function ensureRelease(
  release: string,
  pythonVersion?: string,
): Promise<Venv | Unavailable> {
  const main = await ensureVenv();
  if ("unavailable" in main) return main;
  if (release === CURRENT_RELEASE && pythonVersion === undefined) return main;
  const python = await findPython(pythonVersion ?? "3");
  if ("unavailable" in python) return python;
  const requirements = requirementsOf(release, python);
  const dir = `${RELEASES_DIR}/${release}-python${python.version.slice(0, 2).join(".")}`;
  const own = python.version[0] === 2
    ? (venv: Venv) => makeForPython2(venv, main, python, requirements)
    : (venv: Venv) => makeForPython3(venv, main, python, requirements);
  return await once(dir, stampOf(python, requirements), own);
}

function stampOf(python: Python, requirements: readonly string[]): string {
  return `${[python.path, python.version.join("."), ...requirements].join("\n")}\n`;
}

async function makeForPython3(
  venv: Venv,
  main: Venv,
  python: Python,
  requirements: readonly string[],
): Promise<Unavailable | undefined> {
  const dir = venv.bin.replace(/\/bin$/, "");
  const made = await carryOut([
    ["make a virtual environment", python.path, ["-m", "venv", "--without-pip", dir]],
  ]);
  if (made !== undefined) return made;
  // The pip of the main environment, made today, is quicker and finds more wheels than old ones.
  if (python.version[1] >= 7) {
    const install = ["-m", "pip", "--python", venv.python, "install", ...PIP_OPTIONS];
    return await carryOut([
      ["install the requirements", main.python, [...install, ...requirements]],
    ]);
  }
  const packages = `${dir}/lib/python${python.version.slice(0, 2).join(".")}/site-packages`;
  return await installApart(dir, packages, main, python, requirements);
}

async function makeForPython2(
  venv: Venv,
  main: Venv,
  python: Python,
  requirements: readonly string[],
): Promise<Unavailable | undefined> {
  const dir = venv.bin.replace(/\/bin$/, "");
  const packages = `${dir}/lib/python2.7/site-packages`;
  const problem = await installApart(dir, packages, main, python, requirements);
  if (problem !== undefined) return problem;
  // Python 2 has no virtual environments of its own: a command that knows where the packages are.
  const wrapper = `#!/bin/sh\nPYTHONPATH=${packages}\${PYTHONPATH:+:$PYTHONPATH} ` +
    `exec ${python.path} "$@"\n`;
  await Deno.writeTextFile(venv.python, wrapper, { mode: 0o755 });
}

/** Installs with the old Python's own pip, and psutil's wheel with today's, as no compiler may be there. */
async function installApart(
  dir: string,
  packages: string,
  main: Venv,
  python: Python,
  requirements: readonly string[],
): Promise<Unavailable | undefined> {
  const [dispy, framework, psutil] = requirements as [string, string, string];
  const version = python.version.slice(0, 2).join("");
  return await carryOut([
    ["install dispy", python.path, [
      ...["-m", "pip", "install", ...PIP_OPTIONS, "--ignore-installed", "--prefix", dir],
      ...[dispy, framework],
    ]],
    ["install psutil", main.python, [
      ...["-m", "pip", "install", ...PIP_OPTIONS, "--only-binary=:all:", "--target", packages],
      ...["--platform", `manylinux2014_${Deno.build.arch}`, "--implementation", "cp"],
      ...["--python-version", version, ...(version === "27" ? ["--abi", "cp27mu"] : []), psutil],
    ]],
  ]);
}

if (import.meta.main) {
  const [release, python] = Deno.args;
  const venv = release === undefined ? await ensureVenv() : await ensureRelease(release, python);
  if ("unavailable" in venv) {
    console.error(venv.unavailable);
    Deno.exit(1);
  }
  console.log(venv.python);
}
