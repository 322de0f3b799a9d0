/**
 * What Python's `platform.platform()` says of this machine, nearly.
 *
 * @module
 */

import type { JobLanguage } from "./runner.ts";

const SYSTEMS: Readonly<Partial<Record<typeof Deno.build.os, string>>> = {
  linux: "Linux",
  darwin: "macOS",
  windows: "Windows",
  freebsd: "FreeBSD",
  netbsd: "NetBSD",
};

/**
 * The platform to announce, such as `Linux-6.1.0-x86_64`, and behind it what the languages of
 * this node have to say.
 */
export function platformText(languages: readonly JobLanguage[]): string {
  const { os, arch } = Deno.build;
  const system = SYSTEMS[os] ?? os;
  const machine = os === "darwin" && arch === "aarch64" ? "arm64" : arch;
  const marks = languages.map(({ platformMark }) => platformMark).filter((mark) => mark !== "");
  return [`${system}-${Deno.osRelease()}-${machine}`, ...marks].join(" ");
}
