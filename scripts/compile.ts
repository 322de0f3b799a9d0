/**
 * Makes self-contained programs that need no Deno, and their SHA-256 sums, in `dist/`. They have
 * every permission, as nodes run programs of others; a scheduler gives up what it does not need.
 *
 *     deno task compile                                for this machine
 *     deno task compile --target aarch64-apple-darwin  for another; repeat for several
 *     deno task compile --all                          for every target of a release
 *     deno task compile --check                        only see that the step works; needs no network
 *
 * Compiling fetches the part of Deno that a program carries (`denort`) over the network, once for
 * each target. `--check` uses the running deno in its place: the modules, the permissions and the
 * embedded files are those of a real program, but what it makes does not run, and is removed.
 *
 * @module
 */

import { type Children, withChildren } from "./children.ts";
import { ROOT, version } from "./config.ts";

/** The targets of a release, as `deno compile --target` names them. */
const RELEASE_TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

const PERMISSIONS = ["--allow-all", "--no-prompt"];

async function compile(
  children: Children,
  target: string,
  output: string,
  env: Record<string, string> = {},
): Promise<void> {
  const { success } = await children.spawn(Deno.execPath(), {
    args: [
      "compile",
      ...PERMISSIONS,
      `--target=${target}`,
      `--output=${output}`,
      "main.ts",
    ],
    cwd: ROOT,
    env,
  }).status;
  if (!success) throw new Error(`could not compile for ${target}; deno says why above`);
}

async function sha256(path: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

async function compileAll(children: Children, targets: string[]): Promise<void> {
  const folder = new URL("dist/", ROOT);
  await Deno.mkdir(folder, { recursive: true });
  const sums: string[] = [];
  for (const target of targets) {
    const suffix = target.includes("windows") ? ".exe" : "";
    const name = `dispyscheduler-${await version()}-${target}${suffix}`;
    await compile(children, target, `dist/${name}`);
    // Two spaces: what `sha256sum --check` reads.
    sums.push(`${await sha256(new URL(name, folder).pathname)}  ${name}\n`);
  }
  await Deno.writeTextFile(new URL("SHA256SUMS", folder), sums.join(""));
  console.log(`\ndist/SHA256SUMS:\n${sums.join("")}`);
}

async function check(children: Children): Promise<void> {
  const scratch = await Deno.makeTempDir({ prefix: "dispyscheduler-compile-" });
  try {
    const env = { DENORT_BIN: Deno.execPath() };
    await compile(children, Deno.build.target, `${scratch}/dispyscheduler`, env);
    console.log(`compile step works, with ${PERMISSIONS.join(" ")}`);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

function usage(): never {
  console.error("usage: deno task compile [--check | --all | --target TARGET …]");
  console.error(`targets: ${RELEASE_TARGETS.join(", ")}`);
  Deno.exit(2);
}

function chooseTargets(args: string[]): string[] {
  if (args.length === 0) return [Deno.build.target];
  if (args.length === 1 && args[0] === "--all") return RELEASE_TARGETS;
  const targets: string[] = [];
  for (let i = 0; i < args.length; i += 2) {
    const target = args[i + 1];
    if (args[i] !== "--target" || target === undefined) usage();
    if (!RELEASE_TARGETS.includes(target)) usage();
    targets.push(target);
  }
  return targets;
}

await withChildren(async (children) => {
  const isCheck = Deno.args.length === 1 && Deno.args[0] === "--check";
  try {
    if (isCheck) await check(children);
    else await compileAll(children, chooseTargets(Deno.args));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exitCode = 1;
  }
});
