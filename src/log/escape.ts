// What peers send (names, error texts) is shown to people on terminals and in log files. A line
// break in it could forge a log line and an escape sequence could drive the terminal, so every
// such text is made visible before it is shown.

/** Control, format (bidirectional overrides), line separators and unpaired surrogates. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const UNSAFE_ANYWHERE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Writes every UTF-16 unit of `text` as `\uXXXX`, the one escape JSON and JavaScript share. */
function toUnicodeEscapes(text: string): string {
  let escaped = "";
  for (let index = 0; index < text.length; index++) {
    escaped += "\\u" + text.charCodeAt(index).toString(16).padStart(4, "0");
  }
  return escaped;
}

/**
 * Makes a text from elsewhere fit for one line of output: line breaks, control characters,
 * invisible format characters and unpaired surrogates become visible escapes (`\n`, `\u001b`).
 *
 * @param text Any string.
 * @returns The same text when it has nothing to escape, else the escaped one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert/equals.js";
 * assertEquals(escapeControls("a\nb"), "a\\nb");
 * ```
 */
export function escapeControls(text: string): string {
  if (!UNSAFE_ANYWHERE.test(text)) return text;
  return text.replace(UNSAFE, (found) => SHORT_ESCAPES[found] ?? toUnicodeEscapes(found));
}

/**
 * Like {@linkcode escapeControls}, in double quotes, with quotes and backslashes escaped too, so
 * that where the text ends cannot be mistaken.
 *
 * @param text Any string.
 * @returns The quoted text.
 */
export function quote(text: string): string {
  return '"' + escapeControls(text.replace(/["\\]/g, "\\$&")) + '"';
}

/**
 * Escapes what `JSON.stringify` leaves as it is (C1 controls, bidirectional overrides, …).
 *
 * @param json JSON text without line breaks between its tokens.
 * @returns JSON text of the same value, printable on one line.
 */
export function escapeJson(json: string): string {
  return UNSAFE_ANYWHERE.test(json) ? json.replace(UNSAFE, toUnicodeEscapes) : json;
}
