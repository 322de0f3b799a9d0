/**
 * Real nodes and clients at work for minutes, while nodes and the scheduler are killed, stopped and
 * cut off at random; at the end every job must be accounted for.
 *
 *     deno task chaos                              two minutes
 *     deno task chaos --minutes 30 --seed 7        longer; the same seed plans the same faults
 *     deno task chaos --nodes mixed                dispynodes and our own, in turn; or: ours, dispy
 *     deno task chaos --nodes 8 --nodes ours       so many nodes, all our own
 *     deno task chaos --no-scheduler-kills         nodes, networks and clients only
 *     deno task chaos --durability power           the scheduler's option of that name
 *
 * @module
 */

import { runChaos } from "../tests/interop/chaos/run.ts";
import { Lab, type NodeKind } from "../tests/interop/harness/lab.ts";
import { Namespace } from "../tests/interop/harness/namespace.ts";
import { Network } from "../tests/interop/harness/network.ts";
import { withChildren } from "./children.ts";
import { cacheModules } from "./config.ts";
import { ensureVenv } from "./venv.ts";

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly nodes: number;
  readonly nodeKind: NodeKind | "mixed";
  readonly clients: number;
  readonly schedulerKills: boolean;
  readonly durability: string;
  /** Logs and ledgers stay even if all went well. */
  readonly keepLogs: boolean;
}

const USAGE = "usage: deno task chaos [--minutes M] [--seed N] [--nodes N] " +
  "[--nodes dispy|ours|mixed] [--clients N] [--no-scheduler-kills] [--durability crash|power] [--keep-logs]";

const NODE_KINDS: Readonly<Record<string, Options["nodeKind"]>> = {
  dispy: "dispynode",
  ours: "ours",
  mixed: "mixed",
};

function usage(): never {
  console.error(USAGE);
  Deno.exit(2);
}

function parseOptions(args: string[]): Options {
  const numbers = { minutes: 2, seed: Date.now() % 1_000_000, nodes: 4, clients: 3 };
  let schedulerKills = true;
  let keepLogs = false;
  let durability = "crash";
  let nodeKind: Options["nodeKind"] = "dispynode";
  const words = args.filter((arg) => arg !== "--").flatMap((arg) => arg.split("=", 2));
  for (let i = 0; i < words.length; i++) {
    const name = words[i]!.replace(/^--/, "");
    if (words[i] === "--no-scheduler-kills") schedulerKills = false;
    else if (words[i] === "--keep-logs") keepLogs = true;
    else if (words[i] === "--durability") durability = words[++i] ?? "";
    else if (name === "nodes" && Object.hasOwn(NODE_KINDS, words[i + 1] ?? "")) {
      nodeKind = NODE_KINDS[words[++i]!]!;
    } else if (words[i]!.startsWith("--") && Object.hasOwn(numbers, name)) {
      numbers[name as keyof typeof numbers] = Number(words[++i]);
    } else usage();
  }
  const { minutes, seed, nodes, clients } = numbers;
  const areCounts = [nodes, clients].every((n) => Number.isInteger(n) && n >= 1 && n <= 50);
  if (!areCounts || !Number.isInteger(seed) || !(minutes > 0 && minutes <= 24 * 60)) usage();
  if (!/^(crash|power)$/.test(durability)) usage();
  return { ...numbers, nodeKind, schedulerKills, durability, keepLogs };
}

await withChildren(async (children) => {
  const options = parseOptions(Deno.args);
  if (Deno.build.os !== "linux") {
    console.error("Chaos needs Linux: it makes networks of its own.");
    Deno.exitCode = 1;
    return;
  }
  const venv = await ensureVenv();
  const namespace = await Namespace.open();
  for (const part of [venv, namespace]) {
    if ("unavailable" in part) {
      console.error(`Chaos needs Python, the real dispy and a network: ${part.unavailable}`);
      Deno.exitCode = 1;
      return;
    }
  }
  if ("unavailable" in venv || "unavailable" in namespace) return;
  await cacheModules(children, ["main.ts"]);
  const dir = await Deno.makeTempDir({ prefix: "dispyscheduler-chaos-" });
  const books = `${dir}/run`;
  await Deno.mkdir(books);
  const lab = new Lab(venv, namespace, dir);
  const network = new Network(lab);
  const close = children.onStop(async () => {
    await lab.stop();
    await network.close();
    await namespace.close();
  });
  let isGood = false;
  console.log(`seed ${options.seed}; logs, ledgers and the scheduler's state: ${books}`);
  try {
    const outcome = await runChaos(network, {
      ...options,
      durationMs: options.minutes * 60_000,
      dir: books,
      schedulerArgs: ["--durability", options.durability],
      tell: (line) => console.log(line),
    });
    isGood = outcome.isGood;
    await Deno.writeTextFile(`${books}/story.txt`, `${outcome.story.join("\n")}\n`);
    if (!isGood) console.log(`\n${outcome.story.join("\n")}`);
    console.log(`\n${outcome.summary}`);
  } catch (error) {
    if (!children.stopping) throw error;
  } finally {
    await close();
    if (isGood && !options.keepLogs) await Deno.remove(dir, { recursive: true });
    else console.log(`\nLogs and ledgers are in ${books}`);
    if (!isGood) Deno.exitCode = 1;
  }
});
