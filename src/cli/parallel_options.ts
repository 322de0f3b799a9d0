/**
 * Options of GNU parallel that `submit` does not have, with what to write instead.
 *
 * @module
 */

import type { ForeignOptions } from "./arguments.ts";

const INPUT_PER_LINE =
  "each line takes one input from each :::; write the inputs of a line as ::: A… :::+ B…";
const NODES_FIND_THEMSELVES =
  "nodes are those of the scheduler; --nodes HOST chooses among them, and their CPUs say how many " +
  "command lines run";
const NO_FILES_BACK =
  "files do not come back by themselves; print what is wanted, as in 'make {} && cat {.}.out'";
const BAR = "the progress bar is there where standard error is a terminal";
const JSON_TELLS = "--json tells input, node, times and exit code of each command line";

/** See the module's description. */
export const PARALLEL_OPTIONS: ForeignOptions = {
  N: INPUT_PER_LINE,
  max_replace_args: INPUT_PER_LINE,
  max_args: INPUT_PER_LINE,
  L: INPUT_PER_LINE,
  l: INPUT_PER_LINE,
  X: INPUT_PER_LINE,
  m: INPUT_PER_LINE,
  xargs: INPUT_PER_LINE,
  link: "write :::+ in place of the second :::",
  xapply: "write :::+ in place of the second :::",
  C: "columns are not split; give each its own ::: or split it in the command",
  colsep: "columns are not split; give each its own ::: or split it in the command",
  header: "inputs have no header; leave it out with tail -n +2, and write {1}, {2} for its names",
  delimiter: "inputs end with a line break, or with NUL (-0); convert others with tr",
  S: NODES_FIND_THEMSELVES,
  sshlogin: NODES_FIND_THEMSELVES,
  slf: NODES_FIND_THEMSELVES,
  sshloginfile: NODES_FIND_THEMSELVES,
  hostgroups: NODES_FIND_THEMSELVES,
  basefile: "write --depends FILE",
  bf: "write --depends FILE",
  transfer: "write --depends {}",
  transferfile: "write --depends with the placeholders of the file",
  tf: "write --depends with the placeholders of the file",
  return: NO_FILES_BACK,
  trc: `write --depends {}; ${NO_FILES_BACK}`,
  results: JSON_TELLS,
  cleanup: "the folder of each command line is removed at its end",
  workdir: "each command line has a folder of its own at its node; write cd DIR && COMMAND",
  wd: "each command line has a folder of its own at its node; write cd DIR && COMMAND",
  env: "set variables in the command itself: NAME=value COMMAND",
  joblog: JSON_TELLS,
  resume: "run it again with the inputs that are left; --json tells which have succeeded",
  resume_failed: "run it again with the inputs that are left; --json tells which have succeeded",
  halt: "all command lines are run; end it with Ctrl-C",
  halt_on_error: "all command lines are run; end it with Ctrl-C",
  tag: JSON_TELLS,
  tagstring: JSON_TELLS,
  bar: BAR,
  progress: BAR,
  eta: BAR,
  u: "the output of a command line is printed in one piece when it ends",
  ungroup: "the output of a command line is printed in one piece when it ends",
  lb: "the output of a command line is printed in one piece when it ends",
  line_buffer: "the output of a command line is printed in one piece when it ends",
  linebuffer: "the output of a command line is printed in one piece when it ends",
  group: "that is how it is done always",
  delay: "write sleep in the command; how many run at once, the nodes' CPUs say",
  shuf: "shuffle the inputs before: shuf FILE | dispyscheduler submit …",
  pipe: "a command line has no standard input; give it a file with --depends",
  pipepart: "a command line has no standard input; give it a file with --depends",
  semaphore: "write the command after submit; the nodes' CPUs say how many run",
  I: "the placeholder is {}; quote it in the command where it is not meant: '{'}",
  i: "the placeholder is {}; quote it in the command where it is not meant: '{'}",
  q: "the command is a shell's; quote it as for sh -c",
  quote: "the command is a shell's; quote it as for sh -c",
  v: "--dry_run shows the command lines, --json tells each with its result",
  verbose: "--dry_run shows the command lines, --json tells each with its result",
  no_run_if_empty: "without inputs nothing is run",
  memfree: "jobs are given to free CPUs; a limit of memory is the node's --job_memory",
  memsuspend: "jobs are given to free CPUs; a limit of memory is the node's --job_memory",
  load: "jobs are given to free CPUs, whatever the load of the node's machine",
  noswap: "jobs are given to free CPUs, whatever the load of the node's machine",
  nice: "write nice in the command: nice COMMAND",
  tmpdir: "each command line has a folder of its own at its node",
  max_procs: "write --jobs N for those that wait or run; the nodes' CPUs say how many run",
  P: "write --jobs N for those that wait or run; the nodes' CPUs say how many run",
};
