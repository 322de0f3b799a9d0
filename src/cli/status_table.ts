import { escapeControls } from "../log/escape.ts";

/** A node, as the status shows it. */
export interface NodeStatus {
  readonly address: string;
  /** Empty when the node has not told one. */
  readonly name: string;
  readonly cpus: number;
  /** CPUs that run jobs now. */
  readonly busyCpus: number;
  readonly jobsDone: number;
  /** Time that its jobs took, in milliseconds. */
  readonly cpuTimeMs: number;
}

/** A client's cluster, as the status shows it. */
export interface ClusterStatus {
  readonly name: string;
  readonly clientAddress: string;
  readonly jobsPending: number;
  readonly jobsRunning: number;
  readonly jobsDone: number;
  /** Of one whose jobs wait, and none runs: why. */
  readonly waits: readonly string[];
}

/** Sums since the scheduler's start, over nodes and clusters that are gone too. */
export interface StatusTotals {
  readonly jobsPending: number;
  readonly jobsRunning: number;
  readonly jobsDone: number;
  /** Time that jobs took on nodes, in milliseconds. */
  readonly cpuTimeMs: number;
  /** Clusters that wait until another one, which has the nodes to itself, is closed. */
  readonly clustersWaiting: number;
}

/** What the scheduler is doing at one moment: plain data. */
export interface SchedulerStatus {
  readonly uptimeMs: number;
  readonly nodes: readonly NodeStatus[];
  readonly clusters: readonly ClusterStatus[];
  readonly totals: StatusTotals;
}

const MIN_NAME_WIDTH = 30;
const MAX_NAME_WIDTH = 50;

const TWO_COLUMNS =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;
const NO_COLUMN = /[\p{Mn}\p{Me}]/u;

/** How many terminal columns a text takes, near enough for names of machines and programs. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    width += TWO_COLUMNS.test(character) ? 2 : NO_COLUMN.test(character) ? 0 : 1;
  }
  return width;
}

/** Cuts a text at a display width. */
function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += displayWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return kept + "…";
}

/**
 * A table with a first column of names (left) and columns of figures (right).
 *
 * @param rows Whatever they hold is escaped.
 * @returns Lines without line breaks.
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  // Texts come from other machines: nothing in them may act on the terminal.
  const shownRows = rows.map((row) => row.map((text) => cut(escapeControls(text), MAX_NAME_WIDTH)));
  const widths = headings.map((heading, column) =>
    Math.max(
      column === 0 ? MIN_NAME_WIDTH : 0,
      ...[headings, ...shownRows].map((row) => displayWidth(row[column] ?? heading)),
    )
  );
  const renderRow = (row: readonly string[]) =>
    row.map((text, column) => {
      const padding = " ".repeat((widths[column] ?? 0) - displayWidth(text));
      return ` ${column === 0 ? text + padding : padding + text} `;
    }).join("|").trimEnd();
  const rule = widths.map((width) => "-".repeat(width + 2)).join("+");
  return [renderRow(headings), rule, ...shownRows.map(renderRow)];
}

/** `12.345` */
export function seconds(timeMs: number): string {
  return (timeMs / 1000).toFixed(3);
}

/** `3 days 02:01:00` */
export function duration(timeMs: number): string {
  const totalSeconds = Math.floor(timeMs / 1000);
  const days = Math.floor(totalSeconds / 86400);
  const clock = [Math.floor(totalSeconds / 3600) % 24, Math.floor(totalSeconds / 60) % 60]
    .concat(totalSeconds % 60)
    .map((part) => String(part).padStart(2, "0")).join(":");
  return days === 0 ? clock : `${days} ${days === 1 ? "day" : "days"} ${clock}`;
}

/**
 * Renders the scheduler's status for a terminal: the nodes (longest job time first), the clients'
 * clusters, totals.
 *
 * @param status The status.
 * @returns Lines, each with its line break; names from other machines are escaped.
 */
export function renderStatus(status: SchedulerStatus): string {
  const nodes = [...status.nodes].sort((one, other) => other.cpuTimeMs - one.cpuTimeMs);
  const lines = renderTable(
    ["Node", "CPUs", "Busy", "Jobs done", "Node time sec"],
    nodes.map((node) => [
      node.name === "" ? node.address : `${node.address} (${node.name})`,
      String(node.cpus),
      String(node.busyCpus),
      String(node.jobsDone),
      seconds(node.cpuTimeMs),
    ]),
  );
  lines.push("");
  if (status.clusters.length > 0) {
    lines.push(
      ...renderTable(
        ["Cluster", "Pending", "Running", "Done"],
        status.clusters.map((cluster) => [
          `${cluster.name} @ ${cluster.clientAddress}`,
          String(cluster.jobsPending),
          String(cluster.jobsRunning),
          String(cluster.jobsDone),
        ]),
      ),
      ...status.clusters.flatMap(({ name, clientAddress, waits }) =>
        waits.map((wait) => escapeControls(`${name} @ ${clientAddress} waits: ${wait}`))
      ),
      "",
    );
  }
  const { totals } = status;
  lines.push(
    `Total job time: ${seconds(totals.cpuTimeMs)} sec`,
    `Jobs: ${totals.jobsPending} pending, ${totals.jobsRunning} running, ${totals.jobsDone} done`,
    `Nodes: ${status.nodes.length}, clusters: ${status.clusters.length}` +
      (totals.clustersWaiting > 0 ? ` (${totals.clustersWaiting} waiting for nodes)` : "") +
      `, up ${duration(status.uptimeMs)}`,
  );
  return `\n${lines.join("\n")}\n\n`;
}
