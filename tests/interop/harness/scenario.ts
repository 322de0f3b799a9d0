/**
 * Scenarios: Deno tests that run with a {@linkcode Lab} of their own, within a time limit, and that
 * say which of scheduler, node and client failed when they fail.
 *
 * @module
 */

import { ensureVenv, type Venv } from "../../../scripts/venv.ts";
import { Lab, SCHEDULER } from "./lab.ts";
import { Namespace } from "./namespace.ts";

/** `core` is what must work before anything else is worth a look, `more` is the rest. */
export type Tier = "core" | "more";

/** A scenario beside its steps. */
export interface ScenarioOptions {
  readonly tier: Tier;
  /** All of the scenario must be over within this on a machine that has nothing else to do, in ms. */
  readonly limitMs?: number;
  /** What dispy's own scheduler gets wrong here; a run against it may fail then. */
  readonly referenceFails?: string;
  /** Why this machine cannot play it, found out by the one who registers it. */
  readonly unavailable?: string | undefined;
  /** What no machine has to have, and this one has not: skipped, also in CI. */
  readonly lacking?: string | undefined;
}

const DEFAULT_LIMIT_MS = 60_000;

/** Scenarios run side by side, more of them than there are cores: each may take so much longer. */
const PATIENCE = 4;

async function prepare(): Promise<{ venv: Venv } | { unavailable: string }> {
  if (Deno.build.os !== "linux") return { unavailable: "network namespaces need Linux" };
  const venv = await ensureVenv();
  if ("unavailable" in venv) return venv;
  const namespace = await Namespace.open();
  if ("unavailable" in namespace) return namespace;
  await namespace.close();
  return { venv };
}

/** Set by `scripts/features.ts`: say which scenarios there are, and play none. */
const listOnly = Deno.env.has("DISPY_TEST_LIST");

const prepared = listOnly ? { unavailable: "only listed" } : await prepare();
const inCi = Deno.env.get("CI") === "true";
if ("unavailable" in prepared && !inCi && !listOnly) {
  console.warn(`interop scenarios are ignored: ${prepared.unavailable}`);
}

/**
 * Registers a scenario. Its test is called `[tier] name`, so that `--filter "[core]"` runs the
 * core list alone.
 */
export function scenario(
  name: string,
  options: ScenarioOptions,
  steps: (lab: Lab) => Promise<void>,
): void {
  if (listOnly) {
    console.log(JSON.stringify({ name, referenceFails: options.referenceFails ?? null }));
    return;
  }
  const lacks = "unavailable" in prepared || options.unavailable !== undefined;
  Deno.test({
    name: `[${options.tier}] ${name}`,
    ignore: options.lacking !== undefined || lacks && !inCi,
    fn: async () => {
      if ("unavailable" in prepared) throw new Error(prepared.unavailable);
      if (options.unavailable !== undefined) throw new Error(options.unavailable);
      const wrong = SCHEDULER === "reference" ? options.referenceFails : undefined;
      try {
        await play(prepared.venv, PATIENCE * (options.limitMs ?? DEFAULT_LIMIT_MS), steps);
      } catch (error) {
        if (wrong === undefined) throw error;
        const message = error instanceof Error ? error.message.split("\n")[0] : String(error);
        console.log(`the reference fails as known (${wrong}): ${message}`);
        return;
      }
      if (wrong !== undefined) console.log(`the reference passes, though known to fail: ${wrong}`);
    },
  });
}

async function play(
  venv: Venv,
  limitMs: number,
  steps: (lab: Lab) => Promise<void>,
): Promise<void> {
  const namespace = await Namespace.open();
  if ("unavailable" in namespace) throw new Error(namespace.unavailable);
  const dir = await Deno.makeTempDir({ prefix: "dispy-interop-" });
  const lab = new Lab(venv, namespace, dir);

  const timeUp = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const waiting = lab.waitingFor ? `, waiting until ${lab.waitingFor}` : "";
    timeUp.reject(new Error(`not over within ${limitMs / 1000} s${waiting}`));
  }, limitMs);
  // When the time is up, the steps go on until their processes are stopped; what they throw then
  // is a consequence and no news.
  const playing = steps(lab);
  playing.catch(() => {});
  try {
    await Promise.race([playing, timeUp.promise]);
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    cause.message = `${cause.message}\n${lab.report()}`;
    throw cause;
  } finally {
    clearTimeout(timer);
    await lab.stop();
    await namespace.close();
    await playing.catch(() => {});
    await Deno.remove(dir, { recursive: true });
  }
}
