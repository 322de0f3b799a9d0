import { renderStatus, type SchedulerStatus } from "./status_table.ts";

/** The same words as dispy's scheduler. */
const PROMPT = 'Enter "quit" or "exit" to terminate scheduler, anything else to get status: ';

/** No command is longer; what follows in the line is dropped. */
const MAX_LINE_CHARS = 1000;

/** Where commands come from and answers go. */
export interface ConsoleTerminal {
  readonly readable: ReadableStream<Uint8Array>;
  /** Writes text, however long the terminal takes nothing (Ctrl-S); may fail when it is gone. */
  write(text: string): Promise<void>;
}

/** What the console does. */
export interface ConsoleActions {
  /** Gets the scheduler's status now. */
  readonly status: () => SchedulerStatus;
  /** Called once when `quit` or `exit` was entered. */
  readonly quit: () => void;
  /** Ends the console from outside, when the scheduler stops. */
  readonly signal?: AbortSignal;
}

/** The process' own terminal. Needs no permission. */
export const SYSTEM_TERMINAL: ConsoleTerminal = {
  get readable() {
    return Deno.stdin.readable;
  },
  async write(text) {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) {
      // Not synchronously: the scheduler goes on meanwhile.
      written += await Deno.stdout.write(bytes.subarray(written));
    }
  },
};

/**
 * Tells from Linux' `/proc/self/stat` whether the process is the one its terminal listens to. A
 * background process (`dispyscheduler &`) that reads from its terminal is stopped by the system.
 *
 * @param stat The file's content: `pid (command) state ppid pgrp session tty_nr tpgid …`.
 * @returns Whether its process group is the terminal's foreground group.
 */
export function isForeground(stat: string): boolean {
  // The command may hold spaces and parentheses; the fields behind it do not.
  const [, , processGroup, , , foregroundGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return processGroup !== undefined && processGroup === foregroundGroup;
}

/**
 * Decides whether to start the console: when stdin is a terminal, and listens to this process as far
 * as that can be found out (on Linux, and only under `--allow-all`: Deno guards `/proc`). Who starts
 * the scheduler in the background of a shell without that permission has to give `--daemon`.
 *
 * @param daemon The option `--daemon`: never.
 * @returns Whether commands can be read.
 */
export function consoleWanted(daemon: boolean): boolean {
  if (daemon || !Deno.stdin.isTerminal()) return false;
  try {
    const path = "/proc/self/stat";
    const { state } = Deno.permissions.querySync({ name: "read", path });
    return state !== "granted" || isForeground(Deno.readTextFileSync(path));
  } catch {
    return true; // no /proc, or none for us: a terminal it is, nothing more is known
  }
}

/** Yields what is entered, line by line, without line breaks; ends with the stream. */
async function* readLines(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let line = "";
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const pieces = decoder.decode(chunk.value, { stream: true }).split("\n");
    const rest = pieces.pop() ?? "";
    for (const piece of pieces) {
      yield (line + piece).slice(0, MAX_LINE_CHARS);
      line = "";
    }
    line = (line + rest).slice(0, MAX_LINE_CHARS);
  }
  if (line !== "") yield line;
}

/**
 * Runs the interactive console: shows the prompt; `quit` or `exit` ends the scheduler, anything else
 * shows its status.
 *
 * @param terminal Where commands come from and answers go.
 * @param actions What the commands do.
 * @returns Why the console ended: `quit` was entered, or the terminal's end was reached (`closed`;
 *   the scheduler goes on), or the signal came (`stopped`).
 */
export async function runConsole(
  terminal: ConsoleTerminal,
  actions: ConsoleActions,
): Promise<"quit" | "closed" | "stopped"> {
  const { signal } = actions;
  if (signal?.aborted) return "stopped";
  const reader = terminal.readable.getReader();
  const stopped = Promise.withResolvers<void>();
  const stop = () => {
    reader.cancel().catch(() => {}); // a stream that failed has ended as well
    stopped.resolve();
  };
  signal?.addEventListener("abort", stop);
  const write = (text: string) => Promise.race([terminal.write(text), stopped.promise]);
  try {
    await write(PROMPT);
    for await (const line of readLines(reader)) {
      if (signal?.aborted) break;
      const command = line.trim().toLowerCase();
      if (command === "quit" || command === "exit") {
        actions.quit();
        return "quit";
      }
      await write(renderStatus(actions.status()) + PROMPT);
    }
    return signal?.aborted ? "stopped" : "closed";
  } catch (error) {
    // The terminal was closed. Nobody is left to tell, and the scheduler must go on.
    if (isTerminalGone(error)) return "closed";
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    reader.releaseLock();
  }
}

/** Whether reading or writing failed because the terminal is no longer there. */
function isTerminalGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.BadResource ||
    (error instanceof Error && /\bos error 5\b/.test(error.message)); // EIO after a hang-up
}
