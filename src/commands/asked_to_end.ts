/**
 * How a running command is told to end: Ctrl-C, or what a service manager sends.
 *
 * @module
 */

/** What a shell expects of a program that was ended by Ctrl-C. */
const INTERRUPTED_EXIT_CODE = 130;

/**
 * Resolves once, when the program is asked to end; a second time ends it at once.
 *
 * @param quit Asks, too.
 */
export function untilAskedToEnd(quit?: AbortSignal): Promise<void> {
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of signals) {
      Deno.addSignalListener(signal, () => {
        if (asked) Deno.exit(INTERRUPTED_EXIT_CODE);
        asked = true;
        resolve();
      });
    }
    quit?.addEventListener("abort", () => resolve());
  });
}
