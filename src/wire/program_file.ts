/**
 * The program that a computation of programs runs, among the files that its client sends.
 *
 * @module
 */

import { posix } from "node:path";
import { unsafeFileName } from "./file_name.ts";
import type { Compute } from "./records/compute.ts";
import type { XferFile } from "./records/xfer_file.ts";
import { ComputeType } from "./status.ts";

/**
 * The file that a client has sent as its program; `undefined` where it has sent none, or its
 * computation is one of functions.
 *
 * The client names the program as its user did: relative to a folder that only the client knows,
 * absolute, or by the base name alone of a program in its PATH. The file has the absolute path.
 */
export function programFile(
  { type, name, xferFiles }: Pick<Compute, "type" | "name" | "xferFiles">,
): XferFile | undefined {
  if (type !== ComputeType.Program) return undefined;
  const wanted = parts(name).join("/");
  const named = xferFiles.filter((file) => {
    return unsafeFileName(file) === null && parts(file.name).at(-1) === parts(name).at(-1);
  });
  const isWanted = (file: XferFile) => `/${parts(file.name).join("/")}`.endsWith(`/${wanted}`);
  return named.findLast(isWanted) ?? named.at(-1);
}

/**
 * The program's file, where nodes must get it a second time, in the computation's folder itself:
 * dispynode looks for it there, while a client sends a program that lies below its working folder
 * into a folder of the same name. `null` where it is there anyway, or another file of that name.
 */
export function programToRepeat(
  compute: Pick<Compute, "type" | "name" | "xferFiles">,
): XferFile | null {
  const program = programFile(compute);
  if (program === undefined) return null;
  const name = parts(program.name).at(-1);
  const isTaken = compute.xferFiles.some((file) => {
    return parts(file.destPath).length === 0 && parts(file.name).at(-1) === name;
  });
  return isTaken ? null : program;
}

/** The names in a path of any system, without those that lead to the folder itself or upwards. */
function parts(path: string): string[] {
  const normal = posix.normalize(path.replaceAll("\\", "/"));
  return normal.split("/").filter((part) => part !== "" && part !== "." && part !== "..");
}
