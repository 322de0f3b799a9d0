/**
 * The command line of `submit`.
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
import { LineTemplate } from "./line_template.ts";
import { type AnyTable, flag, list, OPTIONS, value } from "./options.ts";
import type { Subcommand } from "./subcommand.ts";
import { UsageError } from "./usage_error.ts";
import {
  parseCount,
  parseHost,
  parseNode,
  parsePath,
  parsePort,
  parseTimeLimit,
  ValueError,
} from "./values.ts";

export const SUBMIT_OPTIONS = {
  arg_file: value({
    short: "a",
    group: "Input",
    placeholder: "FILE",
    defaultText: "standard input, where inputs are needed",
    parse: parsePath,
    help: "Read inputs from FILE, one a line; - is standard input.",
  }),
  null: flag({
    short: "0",
    group: "Input",
    help: "Inputs end with a NUL character, as find -print0 writes them, not with a line break.",
  }),
  jobs: value({
    short: "j",
    group: "Jobs",
    placeholder: "N",
    defaultText: "1000",
    parse: parseCount,
    help: "Most command lines that wait at the scheduler or run. How many run is a matter of the " +
      "nodes' CPUs.",
  }),
  retries: value({
    short: "r",
    group: "Jobs",
    placeholder: "N",
    defaultText: "0",
    parse: parseRetries,
    help: "Run a command line that failed again, up to N times: whatever its exit code, after a " +
      "--timeout, and when its node is gone.",
  }),
  timeout: value({
    short: "t",
    group: "Jobs",
    placeholder: "SECONDS",
    defaultText: "no limit",
    parse: parseTimeLimit,
    help: "End a command line, with all its processes, that runs longer; its exit code is 124.",
  }),
  depends: list({
    short: "d",
    group: "Jobs",
    placeholder: "FILE",
    defaultText: "",
    parse: parsePath,
    help: "Send FILE to the folder in which command lines run: once to each node, or with " +
      "placeholders in it ('{}'), with each command line its own. Repeat it for each file.",
  }),
  nodes: list({
    ...OPTIONS.nodes,
    group: "Jobs",
    defaultText: "all",
    parse: parseNode,
    help: "A node to use: host name, IP address, or an address with * in it. Repeat it for each.",
  }),
  name: value({
    group: "Jobs",
    placeholder: "TEXT",
    defaultText: "submit",
    parse: parseName,
    help: "What dispyscheduler status calls the cluster.",
  }),
  keep_order: flag({
    short: "k",
    group: "Output",
    help: "Results in the order of the inputs, not as they come.",
  }),
  json: flag({
    group: "Output",
    help: "One JSON object a line for each result, in place of what the command lines print.",
  }),
  no_progress: flag({
    group: "Output",
    help: "Show no progress bar. There is one only where standard error is a terminal.",
  }),
  dry_run: flag({
    group: "Output",
    help: "Print the command lines, and run none of them.",
  }),
  ...CONNECTION_OPTIONS,
  ip_addr: value({
    group: CONNECTION_OPTIONS.scheduler_host.group,
    placeholder: "HOST",
    defaultText: "the one that leads to the scheduler",
    parse: parseHost,
    help: "Address of this machine at which the scheduler sends results.",
  }),
  client_port: value({
    group: CONNECTION_OPTIONS.scheduler_host.group,
    placeholder: "PORT",
    defaultText: "any that is free",
    parse: (text) => parsePort(text),
    help: "Port of this machine at which the scheduler sends results.",
  }),
  ...PROGRAM_OPTIONS,
} satisfies AnyTable;

/** Where the inputs of command lines come from. */
export type InputSource =
  /** There is one command line, without inputs. */
  | { readonly kind: "none" }
  /** Every combination of one text from each list. */
  | { readonly kind: "lists"; readonly lists: readonly (readonly string[])[] }
  /** One input from each line of a file; `-` is standard input. */
  | { readonly kind: "file"; readonly path: string; readonly isNullSeparated: boolean };

/** What `submit` is to do. */
export interface SubmitConfig {
  readonly connection: ConnectionConfig;
  /** What is run with each input; `null` = inputs are the command lines. */
  readonly command: LineTemplate | null;
  readonly source: InputSource;
  readonly maxPending: number;
  readonly retries: number;
  readonly timeoutMs: number | null;
  /** Files that every node gets. */
  readonly depends: readonly string[];
  /** Files that every command line brings. */
  readonly lineDepends: readonly LineTemplate[];
  readonly nodes: readonly string[];
  readonly name: string;
  readonly keepOrder: boolean;
  readonly json: boolean;
  readonly showProgress: boolean;
  readonly dryRun: boolean;
  readonly clientHost: string | null;
  readonly clientPort: number | null;
}

const DEFAULT_MAX_PENDING = 1000;

/** `dispyscheduler submit`. */
export function submitCommand(
  environment: CliEnvironment,
): Subcommand<typeof SUBMIT_OPTIONS, SubmitConfig> {
  return {
    name: "submit",
    table: SUBMIT_OPTIONS,
    operands: "rest",
    intro: INTRO,
    build: (selection) => {
      const { values } = selection;
      const [words, ...lists] = splitOperands(selection.operands);
      const path = values.arg_file;
      if (path !== undefined && lists.length > 0) {
        throw new UsageError(`${selection.origin("arg_file")}: contradicts :::; give one of both`);
      }
      const { command, source } = planLines(words, lists, path, values.null ?? false);
      if (values.null && source.kind !== "file") {
        throw new UsageError(`${selection.origin("null")}: no inputs are read; leave it out`);
      }
      const templates = (values.depends ?? []).map((text) => ({
        text,
        template: new LineTemplate(text),
      }));
      const inputs = source.kind === "lists" ? source.lists.length : source.kind === "file" ? 1 : 0;
      for (const { template } of templates) template.requireInputs(inputs);
      command?.requireInputs(inputs);
      return {
        connection: buildConnection(selection, environment),
        command,
        source,
        maxPending: values.jobs ?? DEFAULT_MAX_PENDING,
        retries: values.retries ?? 0,
        timeoutMs: values.timeout ?? null,
        depends: templates.filter(({ template }) => !template.takesInputs).map(({ text }) => text),
        lineDepends: templates.filter(({ template }) => template.takesInputs)
          .map(({ template }) => template),
        nodes: values.nodes ?? [],
        name: values.name ?? "submit",
        keepOrder: values.keep_order ?? false,
        json: values.json ?? false,
        showProgress: !values.no_progress,
        dryRun: values.dry_run ?? false,
        clientHost: values.ip_addr ?? null,
        clientPort: values.client_port ?? null,
      };
    },
  };
}

/** The command's words, and the list behind each `:::`. */
function splitOperands(operands: readonly string[]): [string[], ...string[][]] {
  const groups: [string[], ...string[][]] = [[]];
  for (const operand of operands) {
    if (operand === ":::") groups.push([]);
    else groups.at(-1)!.push(operand);
  }
  return groups;
}

function planLines(
  words: readonly string[],
  lists: readonly (readonly string[])[],
  path: string | undefined,
  isNullSeparated: boolean,
): { command: LineTemplate | null; source: InputSource } {
  const text = words.join(" ");
  const fromFile = (file: string): InputSource => ({ kind: "file", path: file, isNullSeparated });
  const given: InputSource | null = lists.length > 0
    ? { kind: "lists", lists }
    : path !== undefined
    ? fromFile(path)
    : null;
  if (text === "" || text === "{}") {
    if (lists.length > 1) {
      throw new UsageError(
        "several ::: need a COMMAND in front; command lines stand behind one :::",
      );
    }
    return { command: null, source: given ?? fromFile("-") };
  }
  const command = new LineTemplate(text);
  if (given === null) {
    const source: InputSource = command.takesInputs ? fromFile("-") : { kind: "none" };
    return { command, source };
  }
  // As GNU parallel does: a command that says nothing of its inputs takes them at its end.
  return { command: command.takesInputs ? command : new LineTemplate(`${text} {}`), source: given };
}

function parseRetries(text: string): number {
  if (text === "0") return 0;
  try {
    return parseCount(text);
  } catch {
    throw new ValueError("a number of times: give a whole number from 0 on");
  }
}

/** It becomes the name of a file at nodes; dispy runs `.py` and `.java` by other programs. */
function parseName(text: string): string {
  if (!/^[\w-][\w.-]{0,99}$/.test(text) || /\.(py|java)$/i.test(text)) {
    throw new ValueError("a name: give letters, digits, _, - and dots, and no .py or .java");
  }
  return text;
}

const INTRO = `Usage: dispyscheduler submit [options] COMMAND
       dispyscheduler submit [options] COMMAND ::: INPUT… [::: INPUT…]
       dispyscheduler submit [options] [-a FILE] [COMMAND]

Runs command lines on the nodes of a running scheduler, each by /bin/sh in a folder of its own
cluster: COMMAND once; or once for each INPUT behind :::, or for each line of FILE (- is standard
input, which is also read where COMMAND has placeholders for inputs); without COMMAND, each line
is a command line itself. Options stand in front of COMMAND.

In COMMAND, {} is the input, quoted for the shell; {.} the same without its extension, {/} without
folders, {//} its folder, {/.} without both; {#} the line's number. With several :::, {1} {2} {1.}
… are the inputs, one from each, in all combinations. Without placeholders inputs stand at the end.

The exit code is that of the worst command line: the highest one. 124 stands for a --timeout, 125
for a line that could not be run or whose node is gone, 128 + N for signal N. 125 is also that of
submit itself where there is no scheduler, 130 after Ctrl-C.`;
