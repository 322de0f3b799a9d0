/**
 * Where the files of command lines are at a node.
 *
 * @module
 */

import { basename, normalize, relative, resolve } from "node:path";

/**
 * Where a file that a command line brings is in the line's folder: a file below the working
 * directory keeps its path, any other one goes without the leading `/` and `../`.
 *
 * @param path As the user wrote it.
 * @param cwd The working directory.
 * @returns A relative path that leads nowhere else, with `/` between folders.
 */
export function linePlace(path: string, cwd: string = Deno.cwd()): string {
  return belowCwd(path, cwd) ??
    portable(normalize(path)).replace(/^(?:[A-Za-z]:)?(?:\/|\.\.(?:\/|$))+/, "");
}

/**
 * Where a file that all command lines share is: as with dispy, a file below the working directory
 * keeps its path, any other one is there by its name alone.
 */
export function sharedPlace(path: string, cwd: string = Deno.cwd()): string {
  return belowCwd(path, cwd) ?? basename(path);
}

/** The folder part of a place. */
export function folderOf(place: string): string {
  const slash = place.lastIndexOf("/");
  return slash < 0 ? "." : place.slice(0, slash);
}

function belowCwd(path: string, cwd: string): string | null {
  const below = portable(relative(cwd, resolve(cwd, path)));
  const isBelow = below !== "" && below !== ".." && !below.startsWith("../") &&
    resolve(below) !== below;
  return isBelow ? below : null;
}

function portable(path: string): string {
  return Deno.build.os === "windows" ? path.replaceAll("\\", "/") : path;
}
