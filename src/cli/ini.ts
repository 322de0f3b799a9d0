import { UsageError } from "./usage_error.ts";

/** One `key = value` of an INI file. */
export interface IniEntry {
  /** The section's name as written, for example `DEFAULT`. */
  readonly section: string;
  /** In lower case, with underscores. */
  readonly key: string;
  /** Without the white space around it; continuation lines are joined with line breaks. */
  readonly value: string;
  /** The line the key stands in, from 1. */
  readonly line: number;
}

/** An INI file that cannot be read; the message names file and line. */
function iniError(path: string, line: number, problem: string): UsageError {
  return new UsageError(`${path}, line ${line}: ${problem}`);
}

/** Resolves `%%`, as Python's configparser does on reading. */
function unescapePercent(entry: IniEntry, path: string): IniEntry {
  const value = entry.value.replace(/%%|%\(/g, (found) => {
    if (found === "%%") return "%";
    throw iniError(
      path,
      entry.line,
      `${entry.key}: references such as %(name)s are not supported; write %% for a percent sign`,
    );
  });
  return { ...entry, value };
}

/**
 * Reads an INI file of the kind Python's configparser writes and reads: `[section]`, `key = value`
 * or `key: value`, lines beginning with `#` or `;` as comments, indented lines that continue a value,
 * `%%` for a percent sign.
 *
 * @param text The file's content.
 * @param path The file's name for messages.
 * @returns The entries in their order.
 * @throws {UsageError} When a line is none of these or a key stands twice in a section.
 */
export function parseIni(text: string, path: string): IniEntry[] {
  const entries: IniEntry[] = [];
  let section: string | undefined;
  let lineNumber = 0;
  for (const rawLine of text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/)) {
    lineNumber++;
    const line = rawLine.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const last = entries.at(-1);
    if (/^\s/.test(rawLine) && last !== undefined && last.section === section) {
      entries[entries.length - 1] = { ...last, value: `${last.value}\n${line}`.trim() };
      continue;
    }
    const header = /^\[([^\]]+)\]$/.exec(line);
    if (header?.[1] !== undefined) {
      section = header[1];
      continue;
    }
    const [, rawKey, value] = /^([^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (!rawKey || value === undefined) {
      throw iniError(path, lineNumber, "expected [section], key = value or a # comment");
    }
    const key = rawKey.toLowerCase().replaceAll("-", "_");
    if (section === undefined) {
      throw iniError(path, lineNumber, `${key}: stands before any section; begin with [DEFAULT]`);
    }
    if (entries.some((entry) => entry.section === section && entry.key === key)) {
      throw iniError(path, lineNumber, `${key}: stands in [${section}] twice; remove one`);
    }
    entries.push({ section, key, value, line: lineNumber });
  }
  return entries.map((entry) => unescapePercent(entry, path));
}

/**
 * Writes one `key = value` line.
 *
 * @param key The key.
 * @param value The value; percent signs are doubled, as configparser wants them.
 * @returns The line without line break, or undefined when the format cannot hold the value: it would
 *   lose white space around it, and has no form for control characters.
 */
export function renderIniLine(key: string, value: string): string | undefined {
  if (value.trim() !== value || /\p{Cc}/u.test(value)) return undefined;
  return `${key} = ${value.replaceAll("%", "%%")}`;
}
