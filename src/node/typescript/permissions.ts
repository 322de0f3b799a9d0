/**
 * What TypeScript jobs may do, as the node's operator says it, as flags of Deno.
 *
 * @module
 */

import { isAbsolute, relative, resolve, sep } from "node:path";

/** What can be granted; "all" is everything. */
const KINDS = ["all", "read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

type Kind = typeof KINDS[number];

/** A permission: everything of its kind, or some of it. */
export interface JobPermission {
  readonly kind: Kind;
  /** Paths, hosts, names, …; empty = all there are. */
  readonly values: readonly string[];
}

/**
 * Reads a permission as Deno writes it, without the `--allow-`: `net`, `net=example.com:443`,
 * `read=/data,/models`.
 *
 * @throws {TypeError} with words for the operator
 */
export function parseJobPermission(text: string): JobPermission {
  const at = text.indexOf("=");
  const name = (at < 0 ? text : text.slice(0, at)).trim();
  const kind = KINDS.find((each) => each === name);
  if (kind === undefined) {
    throw new TypeError(`must be one of ${KINDS.join(", ")}, as in net=example.com:443`);
  }
  const values = at < 0 ? [] : text.slice(at + 1).split(",").map((value) => value.trim());
  if (kind === "all" && at >= 0) throw new TypeError("all takes no value");
  if (values.includes("")) throw new TypeError(`${kind}= must be followed by what is allowed`);
  return { kind, values };
}

/**
 * The flags for a job's Deno.
 *
 * @param folder Absolute path of the computation's folder, which jobs may read and write.
 * @param module Absolute path of the computation's module, which they may only read.
 */
export function permissionFlags(
  permissions: readonly JobPermission[],
  folder: string,
  module: string,
): string[] {
  const denied = `--deny-write=${escapeCommas(module)}`;
  if (permissions.some(({ kind }) => kind === "all")) return ["--allow-all", denied];
  const granted = new Map<Kind, Set<string>>();
  const own: JobPermission[] = [
    { kind: "read", values: [folder] },
    { kind: "write", values: [folder] },
  ];
  for (const { kind, values } of [...own, ...permissions]) {
    const soFar = granted.get(kind);
    if (soFar?.size === 0) continue; // all of it already
    granted.set(kind, new Set(values.length === 0 ? [] : [...soFar ?? [], ...values]));
  }
  const flags = [...granted].map(([kind, values]) => {
    return `--allow-${kind}` +
      (values.size === 0 ? "" : `=${[...values].map(escapeCommas).join(",")}`);
  });
  // Without leave to import, no module comes from the network: Deno has hosts that it trusts.
  return [...flags, denied, ...(granted.has("import") ? [] : ["--no-remote", "--no-npm"])];
}

/**
 * Whether a job may read a file. The node itself may read any, and must not do so for a job that
 * may not.
 *
 * @param folder Absolute path of the computation's folder.
 * @param path Absolute path of the file, without symbolic links in it.
 */
export function mayRead(
  permissions: readonly JobPermission[],
  folder: string,
  path: string,
): boolean {
  const readable = permissions.flatMap(({ kind, values }) => {
    if (kind !== "all" && kind !== "read") return [];
    return values.length === 0 ? ["/"] : values;
  });
  return [folder, ...readable].some((each) => {
    const way = relative(resolve(folder, each), path);
    return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  });
}

/** Whether jobs may start programs, which then have to be found when the job ends. */
export function mayRunPrograms(permissions: readonly JobPermission[]): boolean {
  return permissions.some(({ kind }) => kind === "all" || kind === "run" || kind === "ffi");
}

/** Whether jobs may load modules over the network. */
export function mayImport(permissions: readonly JobPermission[]): boolean {
  return permissions.some(({ kind }) => kind === "all" || kind === "import");
}

function escapeCommas(path: string): string {
  return path.replaceAll(",", ",,");
}
