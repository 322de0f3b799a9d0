// Secrets and the data of users' jobs never reach a log. Call sites do not have to remember that:
// a property whose name says that it holds such a thing is not shown, however deep it stands.

/** What stands in the log in place of a value that must not be shown. */
export const REDACTED = "[redacted]";

const SENSITIVE_WORDS: ReadonlySet<string> = new Set([
  "arguments",
  "args",
  "auth",
  "body",
  "cookie",
  "exception",
  "kwargs",
  "passphrase",
  "password",
  "payload",
  "pem",
  "pickle",
  "result",
  "results",
  "secret",
  "secrets",
  "sign",
  "stderr",
  "stdout",
  "token",
]);

/** Limits which keep one log line readable whatever a peer sends. */
const MAX_TEXT_CHARS = 2000;
const MAX_ITEMS = 50;
const MAX_DEPTH = 4;

/** Splits `nodeSecret`, `node_secret` and `node-secret` into `["node", "secret"]`. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/**
 * Tells whether a property must not be shown. `result`, `jobArgs` and `node_secret` always are
 * hidden; a number or boolean *about* such a thing (`resultSizeBytes: 12`, `authOk: false`) is not.
 *
 * @param name The property's name, in camelCase or with underscores.
 * @param value Its value.
 * @returns Whether the value has to be replaced by {@linkcode REDACTED}.
 */
export function isSensitive(name: string, value: unknown): boolean {
  const words = wordsOf(name);
  if (!words.some((word) => SENSITIVE_WORDS.has(word))) return false;
  if (SENSITIVE_WORDS.has(words.at(-1) ?? "")) return true;
  return typeof value !== "number" && typeof value !== "boolean";
}

/**
 * Shortens a text that is too long for a log line.
 *
 * @param text Any string.
 * @returns The text, or its beginning and how many characters were left out.
 */
export function shorten(text: string): string {
  if (text.length <= MAX_TEXT_CHARS) return text;
  return `${text.slice(0, MAX_TEXT_CHARS)}… (${text.length - MAX_TEXT_CHARS} more characters)`;
}

/** A value as JSON can hold it. */
export type LoggableValue =
  | string
  | number
  | boolean
  | null
  | LoggableValue[]
  | { [name: string]: LoggableValue };

function loggableEntries(
  entries: Iterable<[unknown, unknown]>,
  depth: number,
): { [name: string]: LoggableValue } {
  const shown: [string, LoggableValue][] = [];
  let left = 0;
  for (const [key, value] of entries) {
    if (shown.length >= MAX_ITEMS) left++;
    else shown.push([String(key), toLoggable(String(key), value, depth)]);
  }
  if (left > 0) shown.push(["…", `${left} more`]);
  return Object.fromEntries(shown);
}

function loggableItems(items: Iterable<unknown>, depth: number): LoggableValue[] {
  const shown: LoggableValue[] = [];
  let left = 0;
  for (const item of items) {
    if (shown.length >= MAX_ITEMS) left++;
    else shown.push(toLoggable("", item, depth));
  }
  if (left > 0) shown.push(`… ${left} more`);
  return shown;
}

function loggableObject(value: object, depth: number): LoggableValue {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `<${value.byteLength} bytes>`;
  }
  if (value instanceof Error) return shorten(`${value.name}: ${value.message}`);
  if (value instanceof Date) return String(value.getTime()) === "NaN" ? null : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return shorten(String(value));
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
  if (Array.isArray(value) || value instanceof Set) return loggableItems(value, depth + 1);
  if (value instanceof Map) return loggableEntries(value.entries(), depth + 1);
  return loggableEntries(Object.entries(value), depth + 1);
}

/**
 * Turns any value into one that may be shown: sensitive values are hidden, bytes are counted
 * instead of shown, what is long or deep is cut. Never throws.
 *
 * @param name The name of the property that holds the value; decides whether it is shown.
 * @param value Any value, cyclic ones included.
 * @param depth How deep the value stands within the property.
 * @returns A value that JSON can hold.
 */
export function toLoggable(name: string, value: unknown, depth = 0): LoggableValue {
  if (isSensitive(name, value)) return REDACTED;
  switch (typeof value) {
    case "string":
      return shorten(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      try {
        return loggableObject(value, depth);
      } catch (error) {
        // A getter or proxy that throws must not take the program down for the sake of a log line.
        return `<unreadable: ${
          error instanceof Error ? shorten(error.message) : "unknown reason"
        }>`;
      }
    case "function":
      return "<function>";
    default: // bigint, symbol, undefined
      return String(value);
  }
}
