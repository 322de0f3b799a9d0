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
import { PARALLEL_OPTIONS } from "./parallel_options.ts";
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
  once: flag({
    group: "Input",
    help: "Run COMMAND once, without inputs, also where standard input is a file or a pipe.",
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
  shared_folder: flag({
    group: "Jobs",
    help:
      "Run all command lines of a node in one folder, which stays until all are done; without " +
      "it each has a folder of its own, which goes with it.",
  }),
  nodes: list({
    ...OPTIONS.nodes,
    group: "Jobs",
    defaultText: "all",
    parse: parseNamedNode,
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

/** Inputs for one position of a line. */
export interface InputList {
  readonly from:
    | { readonly texts: readonly string[] }
    /** One input from each line of each file; `-` is standard input. */
    | { readonly files: readonly string[] };
  /** Goes in step with the list before; the shorter one ends both. Otherwise combined with it. */
  readonly isLinked: boolean;
}

/** Where the inputs of command lines come from. */
export interface InputSource {
  /** One input from each list makes a line, in all combinations; empty: one line without inputs. */
  readonly lists: readonly InputList[];
  /** Inputs in files end with a NUL character, not with a line break. */
  readonly isNullSeparated: boolean;
}

/** Whether this is standard input, as a file's path. */
export function isStandardInput(path: string): boolean {
  return path === "-";
}

/** The files that a source reads, each once for every time that it is named. */
export function inputFiles({ lists }: InputSource): string[] {
  return lists.flatMap(({ from }) => "files" in from ? from.files : []);
}

/** What `submit` is to do. */
export interface SubmitConfig {
  readonly connection: ConnectionConfig;
  /** What is run with each input; `null` = inputs are the command lines. */
  readonly command: LineTemplate | null;
  readonly source: InputSource;
  readonly maxPending: number;
  readonly retries: number;
  readonly timeoutMs: number | null;
  readonly sharesFolder: boolean;
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
    foreign: PARALLEL_OPTIONS,
    intro: INTRO,
    build: (selection) => {
      const { values } = selection;
      const { words, lists } = splitOperands(selection.operands);
      const path = values.arg_file;
      if (path !== undefined && lists.length > 0) {
        throw new UsageError(
          `${selection.origin("arg_file")}: contradicts ${
            OPERATORS.join(", ")
          }; give one of both ` +
            "(:::: FILE reads a file, too)",
        );
      }
      if (values.once && (path !== undefined || lists.length > 0)) {
        throw new UsageError(`${selection.origin("once")}: there are inputs; give one of both`);
      }
      const given = path === undefined ? lists : [{ from: { files: [path] }, isLinked: false }];
      const readsInput = environment.hasInputData && !values.once;
      const { command, lists: read } = planLines(words.join(" "), given, readsInput);
      const source = { lists: read, isNullSeparated: values.null ?? false };
      const files = inputFiles(source);
      if (values.null && files.length === 0) {
        throw new UsageError(`${selection.origin("null")}: no inputs are read; leave it out`);
      }
      if (files.filter(isStandardInput).length > 1) {
        throw new UsageError("-: standard input can be read once only");
      }
      const templates = (values.depends ?? []).map((text) => ({
        text,
        template: new LineTemplate(text),
      }));
      const inputs = read.length;
      for (const { template } of templates) template.requireInputs(inputs);
      command?.requireInputs(inputs);
      return {
        connection: buildConnection(selection, environment),
        command,
        source,
        maxPending: values.jobs ?? DEFAULT_MAX_PENDING,
        retries: values.retries ?? 0,
        timeoutMs: values.timeout ?? null,
        sharesFolder: values.shared_folder ?? false,
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

/** What stands in front of inputs, as GNU parallel has it. */
const OPERATORS = [":::", "::::", ":::+", "::::+"];

/** The command's words, and the inputs behind each operator. */
function splitOperands(
  operands: readonly string[],
): { words: string[]; lists: InputList[] } {
  const words: string[] = [];
  const groups: { operator: string; items: string[] }[] = [];
  for (const operand of operands) {
    if (OPERATORS.includes(operand)) groups.push({ operator: operand, items: [] });
    else (groups.at(-1)?.items ?? words).push(operand);
  }
  const lists = groups.map(({ operator, items }, index): InputList => {
    const readsFiles = operator.startsWith("::::");
    const isLinked = operator.endsWith("+");
    if (isLinked && index === 0) {
      throw new UsageError(`${operator}: there are no inputs in front to go in step with`);
    }
    if (readsFiles && items.length === 0) {
      throw new UsageError(`${operator}: names no file (- is standard input)`);
    }
    return { from: readsFiles ? { files: items } : { texts: items }, isLinked };
  });
  return { words, lists };
}

/** Standard input, one input a line. */
const STANDARD_INPUT: InputList = { from: { files: ["-"] }, isLinked: false };

/**
 * Which command runs with which inputs.
 *
 * @param text The command.
 * @param given The inputs that the command line names; empty: none.
 * @param readsInput Whether standard input holds data that is meant for the command.
 */
function planLines(
  text: string,
  given: readonly InputList[],
  readsInput: boolean,
): { command: LineTemplate | null; lists: readonly InputList[] } {
  const lists = given.length > 0 ? given : [STANDARD_INPUT];
  if (text === "" || text === "{}") {
    if (lists.length > 1) {
      throw new UsageError(
        "several inputs a line need a COMMAND in front; command lines stand behind one :::",
      );
    }
    return { command: null, lists };
  }
  const command = new LineTemplate(text);
  if (given.length === 0 && !command.takesInputs && !readsInput) return { command, lists: [] };
  // As GNU parallel does: a command without placeholders takes its inputs at its end.
  return { command: command.hasPlaceholders ? command : new LineTemplate(`${text} {}`), lists };
}

function parseRetries(text: string): number {
  if (text === "0") return 0;
  try {
    return parseCount(text);
  } catch {
    throw new ValueError("a number of times: give a whole number from 0 on");
  }
}

/** A number is how many inputs a line takes, for users of GNU parallel; hosts are not called so. */
function parseNamedNode(text: string): string {
  if (/^\d+$/.test(text)) {
    throw new ValueError(`a node's name or address; ${PARALLEL_OPTIONS.N}`);
  }
  return parseNode(text);
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
       dispyscheduler submit [options] COMMAND :::: FILE…
       dispyscheduler submit [options] [-a FILE] [COMMAND]

Runs command lines on the nodes of a running scheduler, each by /bin/sh in a folder of its own:
COMMAND once for each INPUT behind :::, or for each line of FILE behind :::: or -a (- is standard
input); without them, for each line of standard input where that is a file or a pipe or COMMAND has
placeholders for inputs, else once; without COMMAND, each line is a command line itself. Options
stand in front of COMMAND.

In COMMAND, {} is the input, quoted for the shell; {.} the same without its extension, {/} without
folders, {//} its folder, {/.} without both; {#} the line's number. With several ::: or ::::, {1}
{2} {1.} … are the inputs, one from each, in all combinations ({-1} is the last); those behind :::+
or ::::+ go in step with the ones before. Without placeholders inputs stand at the end.

A line's folder has the files of --depends, and is removed when the line ends. Files that lines
bring (-d {}) are where {} says: below the working directory of submit they keep their path, others
go without the leading / and ../.

The exit code is that of the worst command line: the highest one. 124 stands for a --timeout, 125
for a line that could not be run, was ended at the scheduler or whose node is gone, 128 + N for
signal N. 125 is also that of submit itself where there is no scheduler, 130 after Ctrl-C.`;
