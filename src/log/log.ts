/**
 * Logging for the whole program, on top of LogTape: leveled, structured, to stderr without waiting
 * for whoever reads it, and safe to feed with what strangers on the network sent.
 *
 * Nothing here needs a permission: no environment variable is read and no file is opened.
 *
 * @module
 */
import { configureSync, getLogger as getTapeLogger, type LogRecord } from "@logtape/logtape";
import { formatJson, formatText, type LogEntry, type LogFormat, type LogLevel } from "./format.ts";
import { LineWriter } from "./line_writer.ts";

export type { LogFormat, LogLevel } from "./format.ts";

/** The name of the root logger: every line's logger begins with it. */
const ROOT = "dispyscheduler";

const LEVEL_RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warning: 2, error: 3 };

/** The rank from which on entries are wanted; nothing is before logging is configured. */
let lowestRank = Infinity;

/** What {@linkcode configureLogging} can set. */
export interface LoggingOptions {
  /** Entries below it are dropped. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes each rendered line (without line break); stderr when absent. Must not throw. */
  readonly write?: (line: string) => void;
}

/** What may stand in a log line next to its message: `node: "10.0.0.5"`, `cpus: 2`. */
export type LogProperties = Readonly<Record<string, unknown>>;

/**
 * Says what happens. The message is fixed wording; whatever varies goes into the properties. A
 * property whose name speaks of secrets or job data (`secret`, `auth`, `sign`, `args`, `kwargs`,
 * `result`, `payload`, …) is rendered as `[redacted]`.
 */
export interface Logger {
  debug(message: string, properties?: LogProperties): void;
  info(message: string, properties?: LogProperties): void;
  warning(message: string, properties?: LogProperties): void;
  error(message: string, properties?: LogProperties): void;
  /** Whether an entry of this level would be written: ask before gathering costly properties. */
  isEnabled(level: LogLevel): boolean;
}

function toLevel(level: LogRecord["level"]): LogLevel {
  switch (level) {
    case "trace":
      return "debug";
    case "fatal":
      return "error";
    default:
      return level;
  }
}

function toEntry(record: LogRecord): LogEntry {
  return {
    timeMs: record.timestamp,
    level: toLevel(record.level),
    logger: record.category.join("."),
    // Not `record.message`: braces in a message are no placeholders here.
    message: typeof record.rawMessage === "string"
      ? record.rawMessage
      : record.rawMessage.join("…"),
    properties: record.properties,
  };
}

/** Where lines go that nobody else takes. */
let stderrLines: LineWriter | null = null;

function stderrWriter(format: (entry: LogEntry) => string): (line: string) => void {
  const writer = stderrLines = new LineWriter(
    (bytes) => Deno.stderr.write(bytes),
    (count) =>
      format({
        timeMs: Date.now(),
        level: "warning",
        logger: ROOT,
        message: "log lines lost because stderr did not take them",
        properties: { lines: count },
      }),
  );
  return (line) => writer.write(line);
}

/**
 * Sets level, format and destination for all loggers, those already handed out included. May be
 * called again; the last call counts.
 *
 * @param options Level, format and, in tests, where the lines go.
 *
 * @example
 * ```ts ignore
 * configureLogging({ level: "info", format: "text" });
 * getLogger("server").info("node found", { node: "127.0.0.2", cpus: 2 });
 * // 2026-11-22 10:11:12.123 INFO  dispyscheduler.server: node found node=127.0.0.2 cpus=2
 * ```
 */
export function configureLogging(options: LoggingOptions): void {
  const format = options.format === "json" ? formatJson : formatText;
  const write = options.write ?? stderrWriter(format);
  configureSync({
    reset: true,
    sinks: { lines: (record) => write(format(toEntry(record))) },
    loggers: [
      { category: [ROOT], lowestLevel: options.level, sinks: ["lines"] },
      // LogTape's word about itself: only what went wrong.
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["lines"] },
    ],
  });
  lowestRank = LEVEL_RANKS[options.level];
}

/** Waits until all lines are out, `timeoutMs` at most: to be called before the program ends. */
export async function flushLog(timeoutMs: number): Promise<void> {
  await stderrLines?.flush(timeoutMs);
}

/**
 * Hands out the logger of one part of the program.
 *
 * @param category The part, for example `server` or `server.discovery`; without it the root logger,
 *   whose lines are named `dispyscheduler`.
 * @returns A logger; before {@linkcode configureLogging} it is silent.
 */
export function getLogger(category = ""): Logger {
  const tape = getTapeLogger([ROOT, ...category.split(".").filter((part) => part !== "")]);
  return {
    debug(message, properties = {}) {
      if (lowestRank <= LEVEL_RANKS.debug) tape.debug(message, properties);
    },
    info(message, properties = {}) {
      if (lowestRank <= LEVEL_RANKS.info) tape.info(message, properties);
    },
    warning(message, properties = {}) {
      if (lowestRank <= LEVEL_RANKS.warning) tape.warning(message, properties);
    },
    error(message, properties = {}) {
      if (lowestRank <= LEVEL_RANKS.error) tape.error(message, properties);
    },
    isEnabled: (level) => lowestRank <= LEVEL_RANKS[level],
  };
}
