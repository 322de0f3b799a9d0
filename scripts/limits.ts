/**
 * Writes the tables of limits into src/wire/README.md, from the tables that the program itself
 * uses. `--check` only tells whether they are up to date.
 *
 * @module
 */

import { FIELD_LIMITS, type FieldLimit } from "../src/wire/field_limits.ts";
import { MAX_GREETING_BYTES, MESSAGE_BYTES } from "../src/wire/message_limits.ts";

const README = new URL("../src/wire/README.md", import.meta.url);

const BEGIN = "<!-- limits:begin (written by scripts/limits.ts) -->";
const END = "<!-- limits:end -->";

/** A field's bound in words; `null` where the message alone bounds it. */
function boundOf(limit: FieldLimit): string | null {
  switch (limit.kind) {
    case "text":
      return `${limit.maxChars} characters`;
    case "bytes":
      return `${limit.maxBytes} bytes`;
    case "texts":
      return `${limit.maxItems} of ${limit.maxChars} characters`;
    case "list":
      return `${limit.maxItems} entries`;
    case "int":
      return `${limit.min} to ${limit.max}`;
    case "number":
      return `${limit.min} to ${limit.max}${limit.isClamped ? ", else the nearest of these" : ""}`;
    case "flag":
    case "object":
      return null;
  }
}

/** Both tables. */
function limitsMarkdown(): string {
  const lines = ["```text", "message, by the port that it comes to: bytes", ""];
  for (const [port, tags] of Object.entries(MESSAGE_BYTES)) {
    for (const [tag, bytes] of Object.entries(tags)) lines.push(`${port} ${tag}: ${bytes}`);
    lines.push(`${port}, any other: ${MAX_GREETING_BYTES}`);
  }
  lines.push("```", "", "```text", "message or record, by field", "");
  for (const [name, fields] of Object.entries(FIELD_LIMITS)) {
    lines.push(name);
    for (const [field, limit] of Object.entries(fields)) {
      const bound = boundOf(limit);
      if (bound !== null) lines.push(`  ${field}: ${bound}`);
    }
  }
  return [...lines, "```"].join("\n");
}

/** The text with the current tables in their place. */
export function withLimits(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("src/wire/README.md has lost its marks for limits");
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${limitsMarkdown()}\n\n${readme.slice(end)}`;
}

if (import.meta.main) {
  const readme = await Deno.readTextFile(README);
  const current = withLimits(readme);
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(README, current);
  else if (current !== readme) {
    console.error("src/wire/README.md: the limits are out of date; run scripts/limits.ts");
    Deno.exit(1);
  }
}
