/**
 * On what terms a client's cluster is scheduled: what the scheduler's rules say, else what the
 * client asks for, else the defaults.
 *
 * An unchanged dispy client asks in its node list, behind a question mark, as in a web address:
 * `nodes=['*?priority=5&weight=2']`. (dispy hands entries with a `*` on as they are.)
 *
 * @module
 */

import { DEFAULT_TERMS, patternMatches, type Terms } from "../core/mod.ts";

/** What can be said of a cluster; absent = not said. */
export interface TermSettings {
  readonly priority?: number | undefined;
  readonly weight?: number | undefined;
  readonly maxCpus?: number | undefined;
  /** Most jobs that wait or run, over all clusters of the client's address. */
  readonly maxJobs?: number | undefined;
  /** Most bytes that the arguments of those jobs take. */
  readonly maxJobBytes?: number | undefined;
}

/** Settings for the clusters that match. */
export interface ClusterRule extends TermSettings {
  /** Name of the function or of the program (without folders); `*` = any run of characters. */
  readonly computation?: string | undefined;
  /** Address of the client; `*` = any run of characters. */
  readonly client?: string | undefined;
}

/** All that a cluster was given. */
export interface ClusterTerms extends Terms {
  readonly maxJobs: number | null;
  readonly maxJobBytes: number | null;
}

/** A client asks for what there is not; the message goes to the client. */
export class TermsError extends Error {
  override readonly name = "TermsError";
}

/**
 * Puts the terms of a cluster together: for each setting the first rule that matches and says
 * something counts, then what the client asks for. A client may ask for a lower limit of CPUs than
 * the rules give it, not for a higher one.
 */
export function termsOf(
  rules: readonly ClusterRule[],
  computation: string,
  client: string,
  asked: TermSettings,
): ClusterTerms {
  const name = computation.slice(computation.search(/[^/\\]*$/));
  const matching = rules.filter((rule) =>
    patternMatches(rule.computation ?? "*", name, computation) &&
    patternMatches(rule.client ?? "*", client, "")
  );
  const sources: readonly TermSettings[] = [...matching, asked];
  const setting = <K extends keyof TermSettings>(key: K) =>
    sources.find((source) => source[key] !== undefined)?.[key];
  return {
    priority: setting("priority") ?? DEFAULT_TERMS.priority,
    weight: setting("weight") ?? DEFAULT_TERMS.weight,
    maxCpus: least(matching.find(({ maxCpus }) => maxCpus !== undefined)?.maxCpus, asked.maxCpus),
    maxJobs: setting("maxJobs") ?? null,
    maxJobBytes: setting("maxJobBytes") ?? null,
  };
}

/** The lower of two limits, either of which may be missing. */
function least(a: number | undefined, b: number | undefined): number | null {
  return a === undefined ? b ?? null : b === undefined ? a : Math.min(a, b);
}

/** An entry of a client's node list without what the client asks for, and that. */
export function splitAsked(host: string): { pattern: string; asked: TermSettings } {
  const at = host.indexOf("?");
  if (at < 0) return { pattern: host, asked: {} };
  const asked: { -readonly [K in keyof TermSettings]: TermSettings[K] } = {};
  for (const [key, value] of new URLSearchParams(host.slice(at + 1))) {
    const number = Number(value);
    if (value === "" || !Number.isFinite(number)) {
      throw new TermsError(`${key}=${value} in the node list: must be a number`);
    }
    switch (key) {
      case "priority":
        asked.priority = number;
        break;
      case "weight":
        if (number <= 0) throw new TermsError(`weight=${value} in the node list: must be above 0`);
        asked.weight = number;
        break;
      case "max_cpus":
        if (!Number.isInteger(number) || number < 1) {
          throw new TermsError(`max_cpus=${value} in the node list: must be 1 or more`);
        }
        asked.maxCpus = number;
        break;
      default:
        throw new TermsError(`${key} in the node list: give priority, weight or max_cpus`);
    }
  }
  return { pattern: host.slice(0, at), asked };
}
