/**
 * Options of the scheduler that say how much it keeps of jobs and results.
 *
 * @module
 */

import { value } from "./option_kinds.ts";
import { parseCount, parseKeepDays, parseSize } from "./values.ts";

const GROUP = "Memory";

/** Part of the scheduler's table. */
export const MEMORY_OPTIONS = {
  memory_budget: value({
    group: GROUP,
    placeholder: "SIZE",
    defaultText: "512m",
    parse: parseSize,
    help: "Memory for arguments and results: a number, with k, m, g or t behind it for larger " +
      "units (0 is no limit). What is more stays on disk until it is needed.",
  }),
  disk_budget: value({
    group: GROUP,
    placeholder: "SIZE",
    defaultText: "16g",
    parse: parseSize,
    help: "Arguments and results that are kept at a time, in memory and on disk (0 is no limit). " +
      "Beyond three quarters of it jobs are refused, beyond all of it results stay with nodes; " +
      "one client may have half of that.",
  }),
  max_jobs: value({
    group: GROUP,
    placeholder: "N",
    defaultText: "1000000",
    parse: parseCount,
    help: "Jobs that wait or run and results that were not delivered, together; beyond it jobs " +
      "are refused. Each takes about 2 kB of memory whatever is in it.",
  }),
  result_keep_days: value({
    group: GROUP,
    placeholder: "DAYS",
    defaultText: "30",
    parse: parseKeepDays,
    help: "How long a result is kept for a client that does not come for it (0 is for ever).",
  }),
};
