import manifest from "../../deno.json" with { type: "json" };

/** The program's version, from deno.json. */
export const VERSION: string = manifest.version;

/**
 * What `--version` prints.
 *
 * @returns Two lines: the program's version, the dispy versions it speaks.
 */
export function versionText(): string {
  return `dispyscheduler ${VERSION}\n` +
    "speaks dispy 4.15, answering each client and node in the version it announces\n";
}
