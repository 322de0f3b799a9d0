import { escapeControls, escapeJson, quote } from "./escape.ts";
import { type LoggableValue, shorten, toLoggable } from "./redact.ts";

/** How much a log line matters, in ascending order. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** How log lines look: for people, or one JSON object a line for programs. */
export type LogFormat = "text" | "json";

/** One thing that happened, before it is rendered. */
export interface LogEntry {
  /** When, in milliseconds since 1970 (UTC). */
  readonly timeMs: number;
  readonly level: LogLevel;
  /** The logger's name, for example `dispyscheduler.server`. */
  readonly logger: string;
  /** Fixed wording; what varies stands in the properties. */
  readonly message: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** All of one width, so that what follows lines up. */
const LEVEL_LABELS: Readonly<Record<LogLevel, string>> = {
  debug: "DEBUG",
  info: "INFO ",
  warning: "WARN ",
  error: "ERROR",
};

/** Names which a JSON line uses itself. */
const JSON_NAMES: ReadonlySet<string> = new Set(["time", "level", "logger", "message"]);

/** Text that may stand without quotes after `name=`. */
const BARE_TEXT = /^[^\s"'=\\{}[\],]+$/u;

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** `2026-11-22 10:11:12.123` in the machine's time zone, like the lines of dispy's own programs. */
function localTime(timeMs: number): string {
  const time = new Date(timeMs);
  const date = [time.getFullYear(), twoDigits(time.getMonth() + 1), twoDigits(time.getDate())];
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits);
  const millis = String(time.getMilliseconds()).padStart(3, "0");
  return `${date.join("-")} ${clock.join(":")}.${millis}`;
}

function textValue(value: LoggableValue): string {
  if (typeof value === "string") {
    const bare = BARE_TEXT.test(value) && escapeControls(value) === value;
    return bare ? value : quote(value);
  }
  return escapeJson(JSON.stringify(value));
}

/**
 * Renders an entry for people:
 * `2026-11-22 10:11:12.123 INFO  dispyscheduler: node found node=10.0.0.5 cpus=2`.
 *
 * @param entry What happened.
 * @returns One line, without the line break at its end.
 */
export function formatText(entry: LogEntry): string {
  let line = `${localTime(entry.timeMs)} ${LEVEL_LABELS[entry.level]} ${entry.logger}: ` +
    escapeControls(shorten(entry.message));
  for (const [name, value] of Object.entries(entry.properties)) {
    if (value === undefined) continue;
    line += ` ${escapeControls(name)}=${textValue(toLoggable(name, value))}`;
  }
  return line;
}

/**
 * Renders an entry as one JSON object: `time` (ISO 8601, UTC), `level`, `logger`, `message`, then
 * the properties. A property with one of those four names gets a `_` behind its own.
 *
 * @param entry What happened.
 * @returns One line of JSON, without the line break at its end.
 */
export function formatJson(entry: LogEntry): string {
  const fields: [string, LoggableValue][] = [
    ["time", new Date(entry.timeMs).toISOString()],
    ["level", entry.level],
    ["logger", entry.logger],
    ["message", shorten(entry.message)],
  ];
  for (const [name, value] of Object.entries(entry.properties)) {
    if (value === undefined) continue;
    fields.push([JSON_NAMES.has(name) ? `${name}_` : name, toLoggable(name, value)]);
  }
  return escapeJson(JSON.stringify(Object.fromEntries(fields)));
}
