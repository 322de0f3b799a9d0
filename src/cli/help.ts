import { type AnyTable, type Option, optionEntries } from "./options.ts";

const WIDTH = 100;
const HELP_COLUMN = 32;

/** What stands above the scheduler's own options. */
const SCHEDULER_INTRO = `Usage: dispyscheduler [options]

Shares dispy nodes among any number of dispy clients (SharedJobCluster).
Usually no options are needed. Long names may be shortened and written with dashes.

Commands for a running scheduler: dispyscheduler submit, status, nodes, cancel; a node of its own:
dispyscheduler node. Each tells more with --help.`;

/** `-n, --nodes, --node HOST`: every spelling, and what stands for the value. */
function spellings(name: string, option: Option): string[] {
  const long = [name, ...(option.aliases ?? [])].map((each) => `--${each}`);
  return option.short === undefined ? long : [`-${option.short}`, ...long];
}

/** The help sentences with default and availability, the same in terminal and README. */
function notes(option: Option): string[] {
  return [
    option.kind === "flag" || option.defaultText === "" ? "" : `default: ${option.defaultText}`,
    option.availability ?? "",
  ].filter((note) => note !== "" && note !== "available");
}

/** Breaks text at spaces into lines of at most `width` characters (longer words stay whole). */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function helpEntry(name: string, option: Option): string {
  const value = option.kind === "flag" ? "" : ` ${option.placeholder}`;
  const left = `  ${spellings(name, option).join(", ")}${value}`;
  const noted = notes(option);
  const text = option.help + (noted.length === 0 ? "" : ` (${noted.join("; ")})`);
  const lines = wrap(text, WIDTH - HELP_COLUMN).map((line) => " ".repeat(HELP_COLUMN) + line);
  const first = lines[0] ?? "";
  return left.length > HELP_COLUMN - 2
    ? [left, ...lines].join("\n")
    : [left.padEnd(HELP_COLUMN) + first.trimStart(), ...lines.slice(1)].join("\n");
}

/**
 * What `--help` prints.
 *
 * @param table The options there are.
 * @param intro What stands above them: how the command is called, and what it does; lines of at
 *   most 100 columns.
 * @returns The whole text, at most 100 columns wide.
 */
export function helpText(table: AnyTable, intro: string = SCHEDULER_INTRO): string {
  const groups = new Map<string, string[]>();
  for (const [name, option] of optionEntries(table)) {
    groups.set(option.group, [...(groups.get(option.group) ?? []), helpEntry(name, option)]);
  }
  const sections = [...groups].map(([group, entries]) => `${group}:\n${entries.join("\n")}\n`);
  return `${intro}\n\n${sections.join("\n")}`;
}

/**
 * Renders the options as a Markdown table, for the README.
 *
 * @param table The options there are.
 * @returns The table, with a line break at its end.
 */
export function optionsMarkdown(table: AnyTable): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*");
  const rows = optionEntries(table).map(([name, option]) => {
    const value = option.kind === "flag" ? "" : ` ${option.placeholder}`;
    const names = spellings(name, option).map((each) => `\`${each}\``).join(", ");
    const marked = value === "" ? names : `${names} ${cell(value.trim())}`;
    const standard = option.kind === "flag" ? "" : option.defaultText;
    const later = option.availability === "not available yet" ? " (not available yet)" : "";
    return `| ${marked} | ${cell(option.help + later)} | ${cell(standard)} |`;
  });
  return ["| Option | What it does | Default |", "| --- | --- | --- |", ...rows].join("\n") + "\n";
}
