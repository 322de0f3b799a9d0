/**
 * The options that say where the scheduler is, for the commands that talk to it.
 *
 * @module
 */

import type { CliEnvironment } from "./environment.ts";
import { type AnyTable, flag, OPTIONS, value } from "./options.ts";
import { CLIENT_PORTS } from "./ports.ts";
import { readSecret, type SecretSelection } from "./secrets.ts";
import { readTlsFiles, type TlsFiles } from "./tls_files.ts";
import { parseHost, parsePort } from "./values.ts";

const GROUP = "Scheduler";

/** Part of the table of each of these commands. */
export const CONNECTION_OPTIONS = {
  scheduler_host: value({
    group: GROUP,
    placeholder: "HOST",
    defaultText: "127.0.0.1",
    parse: parseHost,
    help: "The machine that the scheduler runs on: name or address.",
  }),
  scheduler_port: value({
    group: GROUP,
    placeholder: "PORT",
    defaultText: CLIENT_PORTS.join(", else "),
    parse: (text) => parsePort(text),
    help: "The scheduler's port for clients: what its --scheduler_port says, or its --port + 2.",
  }),
  cluster_secret: value({
    ...OPTIONS.cluster_secret,
    group: GROUP,
    help: "The scheduler's cluster secret. Everybody on this machine can read it with ps; " +
      "--cluster_secret_file keeps it to itself.",
  }),
  cluster_secret_file: value({
    ...OPTIONS.cluster_secret_file,
    group: GROUP,
    help: "File whose first line is the scheduler's cluster secret.",
  }),
  cluster_certfile: value({
    ...OPTIONS.cluster_certfile,
    group: GROUP,
    help: "Certificate (PEM) for TLS; the same file as the scheduler's --cluster_certfile.",
  }),
  cluster_keyfile: value({ ...OPTIONS.cluster_keyfile, group: GROUP }),
  msg_timeout: value({ ...OPTIONS.msg_timeout, group: GROUP }),
} satisfies AnyTable;

/** The end of each table. */
export const PROGRAM_OPTIONS = {
  version: flag({ ...OPTIONS.version, group: "Program" }),
  help: flag({ ...OPTIONS.help, group: "Program" }),
} satisfies AnyTable;

/** Where the scheduler is, and what proves that we may ask it. */
export interface ConnectionConfig {
  readonly host: string;
  /** The scheduler listens at one of them; the likelier one comes first. */
  readonly ports: readonly number[];
  /** Empty: none. */
  readonly secret: string;
  readonly tls: TlsFiles | null;
  /** Limit for connecting and for every single read and write. */
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 5000;

/** The options that were given, those of {@linkcode CONNECTION_OPTIONS} among them. */
export interface ConnectionSelection extends SecretSelection {
  readonly values: SecretSelection["values"] & {
    readonly scheduler_host?: string;
    readonly scheduler_port?: number;
    readonly cluster_certfile?: string;
    readonly cluster_keyfile?: string;
    readonly msg_timeout?: number;
  };
}

/**
 * Fills in defaults and reads the files.
 *
 * @throws {UsageError} When a file is no good, or two secrets are given.
 */
export function buildConnection(
  selection: ConnectionSelection,
  environment: CliEnvironment,
): ConnectionConfig {
  const { values } = selection;
  const file = (name: "cluster_certfile" | "cluster_keyfile") => {
    const path = values[name];
    return path === undefined ? null : { path, origin: selection.origin(name) };
  };
  return {
    host: values.scheduler_host ?? "127.0.0.1",
    ports: values.scheduler_port === undefined ? CLIENT_PORTS : [values.scheduler_port],
    secret: readSecret("cluster", selection, environment),
    tls: readTlsFiles(
      environment,
      file("cluster_certfile"),
      file("cluster_keyfile"),
      "cluster_certfile",
    ),
    timeoutMs: values.msg_timeout ?? DEFAULT_TIMEOUT_MS,
  };
}
