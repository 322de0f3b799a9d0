/**
 * The command lines of `status`, `nodes` and `cancel`.
 *
 * @module
 */

import {
  buildConnection,
  CONNECTION_OPTIONS,
  type ConnectionConfig,
  PROGRAM_OPTIONS,
} from "./connection_options.ts";
import type { CliEnvironment } from "./environment.ts";
import { type AnyTable, flag, value } from "./options.ts";
import type { Subcommand } from "./subcommand.ts";
import { UsageError } from "./usage_error.ts";
import { parseCount, parseMessageTimeout, ValueError } from "./values.ts";

const json = flag({
  group: "Output",
  help: "Print one JSON object a line, in place of a table.",
});

const STATUS_OPTIONS = {
  watch: flag({
    short: "w",
    group: "Output",
    help: "Show it again and again, until Ctrl-C.",
  }),
  interval: value({
    group: "Output",
    placeholder: "SECONDS",
    defaultText: "2",
    parse: parseMessageTimeout,
    help: "How often --watch asks.",
  }),
  json,
  limit: value({
    group: "Output",
    placeholder: "N",
    defaultText: "100",
    parse: parseCount,
    help: "Most jobs to list of a cluster.",
  }),
  ...CONNECTION_OPTIONS,
  ...PROGRAM_OPTIONS,
} satisfies AnyTable;

/** What `status` is to do. */
export interface StatusConfig {
  readonly connection: ConnectionConfig;
  /** Id or name of the cluster whose jobs are listed; `null` = show everything but jobs. */
  readonly cluster: string | null;
  readonly limit: number;
  readonly json: boolean;
  /** Time between two looks; `null` = look once. */
  readonly watchMs: number | null;
}

const DEFAULT_WATCH_MS = 2000;
const DEFAULT_LIMIT = 100;

/** `dispyscheduler status`. */
export function statusCommand(
  environment: CliEnvironment,
): Subcommand<typeof STATUS_OPTIONS, StatusConfig> {
  return {
    name: "status",
    table: STATUS_OPTIONS,
    operands: "some",
    intro: `Usage: dispyscheduler status [options] [CLUSTER]

Shows what a running scheduler does: its nodes, clusters and totals. With CLUSTER, the id or the
name of one: the jobs of it that wait or run.`,
    build: (selection) => {
      const { values, operands } = selection;
      refuseMore(operands, 1);
      if (values.interval !== undefined && !values.watch) {
        throw new UsageError(`${selection.origin("interval")}: works with --watch only`);
      }
      return {
        connection: buildConnection(selection, environment),
        cluster: operands[0] ?? null,
        limit: values.limit ?? DEFAULT_LIMIT,
        json: values.json ?? false,
        watchMs: values.watch ? values.interval ?? DEFAULT_WATCH_MS : null,
      };
    },
  };
}

const NODES_OPTIONS = { json, ...CONNECTION_OPTIONS, ...PROGRAM_OPTIONS } satisfies AnyTable;

/** What `nodes` is to do. */
export interface NodesConfig {
  readonly connection: ConnectionConfig;
  /** Whose CPUs are limited; empty = list all nodes. */
  readonly nodes: readonly string[];
  /** CPUs to use of each at most; `null` = no limit. */
  readonly cpus: number | null;
  readonly json: boolean;
}

const NODES_USAGE = "nodes | nodes drain NODE… | nodes resume NODE… | nodes limit CPUS NODE…";

/** `dispyscheduler nodes`. */
export function nodesCommand(
  environment: CliEnvironment,
): Subcommand<typeof NODES_OPTIONS, NodesConfig> {
  return {
    name: "nodes",
    table: NODES_OPTIONS,
    operands: "some",
    intro: `Usage: dispyscheduler nodes [options]
       dispyscheduler nodes [options] drain NODE…
       dispyscheduler nodes [options] resume NODE…
       dispyscheduler nodes [options] limit CPUS NODE…

Lists the nodes of a running scheduler. A node that is drained gets no new jobs; those that run
there go on. NODE is an address or a name. What is set holds for the node's address until it is
changed, also when node or scheduler are started anew in between.`,
    build: (selection) => {
      const [action, ...rest] = selection.operands;
      const [cpus, nodes] = action === "limit" ? [parseLimit(rest[0]), rest.slice(1)] : [
        action === "drain" ? 0 : null,
        rest,
      ];
      if (action !== undefined && !["drain", "resume", "limit"].includes(action)) {
        throw new UsageError(`${JSON.stringify(action)}: unknown action; give ${NODES_USAGE}`);
      }
      if (action !== undefined && nodes.length === 0) {
        throw new UsageError(`${action}: names no node; give ${NODES_USAGE}`);
      }
      return {
        connection: buildConnection(selection, environment),
        nodes,
        cpus,
        json: selection.values.json ?? false,
      };
    },
  };
}

function parseLimit(text = ""): number {
  try {
    return parseCount(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new UsageError(`limit: ${JSON.stringify(text)} is not ${error.message}`);
  }
}

function parseUid(text: string): number {
  const uid = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(uid)) {
    throw new ValueError("a job's number, as dispyscheduler status CLUSTER shows it");
  }
  return uid;
}

const CANCEL_OPTIONS = {
  job: value({
    short: "j",
    group: "What",
    placeholder: "UID",
    defaultText: "the whole cluster",
    parse: parseUid,
    help: "Cancel this job alone; dispyscheduler status CLUSTER lists them.",
  }),
  keep_running: flag({
    group: "What",
    help: "Let jobs that run already finish.",
  }),
  json,
  ...CONNECTION_OPTIONS,
  ...PROGRAM_OPTIONS,
} satisfies AnyTable;

/** What `cancel` is to do. */
export interface CancelConfig {
  readonly connection: ConnectionConfig;
  /** Id or name. */
  readonly cluster: string;
  /** The only job to cancel; `null` = all. */
  readonly uid: number | null;
  /** Jobs that run are ended, too. */
  readonly terminateRunning: boolean;
  readonly json: boolean;
}

/** `dispyscheduler cancel`. */
export function cancelCommand(
  environment: CliEnvironment,
): Subcommand<typeof CANCEL_OPTIONS, CancelConfig> {
  return {
    name: "cancel",
    table: CANCEL_OPTIONS,
    operands: "some",
    intro: `Usage: dispyscheduler cancel [options] CLUSTER

Ends a cluster of a running scheduler: its client is told so of each job that will not run, and
can submit no more. CLUSTER is an id or a name; dispyscheduler status shows both.`,
    build: (selection) => {
      const { values, operands } = selection;
      refuseMore(operands, 1);
      const [cluster] = operands;
      if (cluster === undefined) {
        throw new UsageError("CLUSTER is missing; give an id or a name (dispyscheduler status)");
      }
      if (values.job !== undefined && values.keep_running) {
        throw new UsageError(
          `${selection.origin("keep_running")}: contradicts --job; give one of both`,
        );
      }
      return {
        connection: buildConnection(selection, environment),
        cluster,
        uid: values.job ?? null,
        terminateRunning: !values.keep_running,
        json: values.json ?? false,
      };
    },
  };
}

function refuseMore(operands: readonly string[], most: number): void {
  const extra = operands[most];
  if (extra !== undefined) {
    throw new UsageError(`unexpected argument ${JSON.stringify(extra)}; --help shows the usage`);
  }
}
