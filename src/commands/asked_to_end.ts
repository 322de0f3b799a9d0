/**
 * How a running command is told to end: Ctrl-C, what a service manager sends, a terminal that goes.
 *
 * A terminal that closes sends SIGHUP to what runs in it. `nohup` has it ignored, but Deno takes that
 * back when it starts, and does not tell. So it is told by what `nohup` and service managers have in
 * common: none of the standard streams is a terminal. Then there is nothing to hang up.
 *
 * @module
 */

/** What a shell expects of a program that was ended by Ctrl-C. */
const INTERRUPTED_EXIT_CODE = 130;

/** Signals that end a program by mistake: sent by habit to have a log or a configuration read anew. */
const STRAY_SIGNALS = ["SIGUSR1", "SIGUSR2"] as const;

/** What has asked a command to end. */
export type EndRequest = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGBREAK" | "quit";

/** Whether no standard stream is a terminal. */
export function isOffTerminal(): boolean {
  return ![Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/**
 * Has signals ignored from now on that are not to end the program. Called first of all, as starting
 * may take long.
 *
 * @param isUnattended No terminal's end is to be the program's.
 */
export function ignoreStraySignals(isUnattended: boolean): void {
  if (Deno.build.os === "windows") return;
  for (const signal of [...STRAY_SIGNALS, ...(isUnattended ? ["SIGHUP" as const] : [])]) {
    Deno.addSignalListener(signal, () => {});
  }
}

/**
 * Has `asked` called each time the program is asked to end by a signal.
 *
 * @param isUnattended As for {@linkcode ignoreStraySignals}.
 */
export function onAskedToEnd(isUnattended: boolean, asked: (by: EndRequest) => void): void {
  const signals = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"] as const
    : isUnattended
    ? ["SIGINT", "SIGTERM"] as const
    : ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let isHungUp = false;
  for (const signal of signals) {
    Deno.addSignalListener(signal, () => {
      // A terminal that closes may tell twice: by itself, and by its shell.
      if (signal === "SIGHUP" && isHungUp) return;
      isHungUp ||= signal === "SIGHUP";
      asked(signal);
    });
  }
}

/**
 * Resolves once, when the program is asked to end, and tells by what; a second time ends it at once.
 *
 * @param isUnattended As for {@linkcode ignoreStraySignals}.
 * @param quit Asks, too.
 */
export function untilAskedToEnd(isUnattended: boolean, quit?: AbortSignal): Promise<EndRequest> {
  return new Promise((resolve) => {
    let isAsked = false;
    onAskedToEnd(isUnattended, (by) => {
      if (isAsked) Deno.exit(INTERRUPTED_EXIT_CODE);
      isAsked = true;
      resolve(by);
    });
    quit?.addEventListener("abort", () => resolve("quit"));
  });
}
