/**
 * Where the two secrets come from: an option, a file that an option names, or the environment.
 * Options win over the environment; a secret of a process's arguments is for all to see (`ps`).
 *
 * @module
 */

import { type CliEnvironment, readOptionFile } from "./environment.ts";
import { UsageError } from "./usage_error.ts";

/** Whom a secret is shared with. */
export type SecretSide = "node" | "cluster";

/** Options that were given, those for secrets among them. */
export interface SecretSelection {
  readonly values: {
    readonly [Option in `${SecretSide}_secret${"" | "_file"}`]?: string;
  };
  /** How messages say where an option was given. */
  origin(name: string): string;
}

const SIDES: readonly SecretSide[] = ["node", "cluster"];

/** Read where neither option is given. */
const VARIABLES: Readonly<Record<SecretSide, string>> = {
  node: "DISPYSCHEDULER_NODE_SECRET",
  cluster: "DISPYSCHEDULER_CLUSTER_SECRET",
};

/** The variables in which secrets may be. */
export const SECRET_VARIABLES: readonly string[] = Object.values(VARIABLES);

/**
 * Finds a secret.
 *
 * @param side Whom it is shared with.
 * @param selection The options given.
 * @param environment Reads the file, or the variable.
 * @returns The secret; empty for none.
 * @throws {UsageError} When two are given in one place, or the file holds none.
 */
export function readSecret(
  side: SecretSide,
  selection: SecretSelection,
  environment: CliEnvironment,
): string {
  const option = `${side}_secret` as const;
  const fileOption = `${side}_secret_file` as const;
  const secret = selection.values[option];
  const path = selection.values[fileOption];
  const fileOrigin = selection.origin(fileOption);
  if (path === undefined) return secret ?? environment.variable(VARIABLES[side]) ?? "";
  if (secret !== undefined) {
    throw new UsageError(
      `${fileOrigin}: contradicts ${selection.origin(option)}; give one of both`,
    );
  }
  const [firstLine = ""] = readOptionFile(environment, path, fileOrigin).split(/\r\n|\r|\n/, 1);
  if (firstLine === "") {
    throw new UsageError(
      `${fileOrigin}: the first line of ${JSON.stringify(path)} is empty; write the secret there`,
    );
  }
  return firstLine;
}

/**
 * Reads a secret from standard input.
 *
 * @throws {UsageError} When it is given elsewhere as well, or there is none.
 */
export function readSecretOnStdin(
  side: SecretSide,
  selection: SecretSelection,
  environment: CliEnvironment,
): string {
  const origin = selection.origin("secret_on_stdin");
  for (const option of [`${side}_secret`, `${side}_secret_file`] as const) {
    if (selection.values[option] === undefined) continue;
    throw new UsageError(`${origin}: contradicts ${selection.origin(option)}; give one of both`);
  }
  const secret = environment.readInputLine();
  if (secret === "") throw new UsageError(`${origin}: the first line of standard input is empty`);
  return secret;
}

/**
 * Whether only our own proofs of a secret are to do.
 *
 * @param selection The options given.
 * @param secret The secret; empty for none.
 * @param option Where to give one.
 * @throws {UsageError} Where there is nothing to prove.
 */
export function wantsOwnAuth(
  selection: {
    readonly values: { readonly require_own_auth?: boolean };
    origin(name: string): string;
  },
  secret: string,
  option: string,
): boolean {
  const isWanted = selection.values.require_own_auth ?? false;
  if (isWanted && secret === "") {
    throw new UsageError(
      `${
        selection.origin("require_own_auth")
      }: there is no secret to prove; give one with ${option}`,
    );
  }
  return isWanted;
}

/**
 * Looks for secrets that lie open.
 *
 * @param selection The options given, found to be good.
 * @param environment Knows who may read the files.
 * @returns A line for each file that every user of this machine may read.
 */
export function secretWarnings(
  selection: SecretSelection,
  environment: CliEnvironment,
): string[] {
  const warnings: string[] = [];
  for (const side of SIDES) {
    const path = selection.values[`${side}_secret_file`];
    if (path === undefined || !environment.isReadableByAll(path)) continue;
    warnings.push(
      `the ${side} secret is open to every user of this machine: ${JSON.stringify(path)} may be ` +
        "read by others; run: chmod 600 on it",
    );
  }
  return warnings;
}
