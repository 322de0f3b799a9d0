/**
 * The file of `--cluster_rules`: which clusters get what.
 *
 * @module
 */

import { messageOf } from "../log/error_message.ts";
import { parse } from "@std/toml/parse.js";
import { UsageError } from "./usage_error.ts";
import { parseSize } from "./values.ts";

/** One `[[cluster]]` of the file; absent = not said. */
export interface ClusterRule {
  readonly computation?: string;
  readonly client?: string;
  readonly priority?: number;
  readonly weight?: number;
  readonly maxCpus?: number;
  readonly maxJobs?: number;
  readonly maxJobBytes?: number;
}

/** How a setting is read: returns its value, or throws a text that says what would be right. */
type Reader = (value: unknown) => string | number;

const text: Reader = (value) => {
  if (typeof value !== "string" || value === "") throw new Error("give a text in quotes");
  return value;
};

function number(accept: (value: number) => boolean, wanted: string): Reader {
  return (value) => {
    if (typeof value !== "number" || !accept(value)) throw new Error(`give ${wanted}`);
    return value;
  };
}

const size: Reader = (value) => typeof value === "number" ? value : parseSize(String(value));

/** By name in the file: the name in {@linkcode ClusterRule}, and how it is read. */
const SETTINGS: Readonly<Record<string, readonly [keyof ClusterRule, Reader]>> = {
  computation: ["computation", text],
  client: ["client", text],
  priority: ["priority", number(Number.isFinite, "a number")],
  weight: ["weight", number((value) => value > 0, "a number above 0")],
  max_cpus: ["maxCpus", number((value) => Number.isInteger(value) && value > 0, "1 or more")],
  max_jobs: ["maxJobs", number((value) => Number.isInteger(value) && value > 0, "1 or more")],
  max_job_bytes: ["maxJobBytes", size],
};

/**
 * Reads the rules.
 *
 * @param source The file's text: TOML with a `[[cluster]]` for each rule.
 * @param path The file, for messages.
 * @throws {UsageError} One line: the file, the rule, the setting, and what would be right.
 */
export function parseClusterRules(source: string, path: string): ClusterRule[] {
  let document: Record<string, unknown>;
  try {
    document = parse(source) as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new UsageError(`${path}: is no TOML: ${reason}`);
  }
  const { cluster = [], ...others } = document;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new UsageError(`${path}: "${unknown}" is not known; rules begin with [[cluster]]`);
  }
  if (!Array.isArray(cluster)) {
    throw new UsageError(`${path}: [cluster] is not known; write [[cluster]]`);
  }
  return cluster.map((table, index) => readRule(table, `${path}: rule ${index + 1}`));
}

function readRule(table: Record<string, unknown>, where: string): ClusterRule {
  const rule: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(table)) {
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    if (setting === undefined) {
      const known = Object.keys(SETTINGS).join(", ");
      throw new UsageError(`${where}: "${name}" is not known; there are ${known}`);
    }
    const [key, read] = setting;
    try {
      rule[key] = read(value);
    } catch (error) {
      const wanted = messageOf(error);
      throw new UsageError(`${where}: ${name} = ${JSON.stringify(value)}: ${wanted}`);
    }
  }
  return rule;
}
