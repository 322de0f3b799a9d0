/** Which file is a computation's program, and where nodes must find it. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { ComputeType, programFile, programToRepeat, type XferFile } from "../../../src/wire/mod.ts";

function file(name: string, destPath: string, sep = "/"): XferFile {
  const stat = { sizeBytes: 1, mode: 0o100755, atimeS: 0, mtimeS: 0, original: null };
  return { name, destPath, computeId: 1, sep, stat, extra: null };
}

function program(name: string, ...xferFiles: XferFile[]) {
  return { type: ComputeType.Program, name, xferFiles };
}

for (
  const [name, sent, place] of [
    ["tools/deep/run.sh", "/home/u/tools/deep/run.sh", "tools/deep"],
    ["./tools/deep/run.sh", "/home/u/tools/deep/run.sh", "tools/deep"],
    ["/home/u/tools/deep/run.sh", "/home/u/tools/deep/run.sh", "tools/deep"],
    ["../lib/run.sh", "/home/lib/run.sh", "."],
    ["x/../tools/run.sh", "/home/u/tools/run.sh", "tools"],
    ["run.sh", "/home/u/run.sh", ""],
    // A program in the client's PATH.
    ["sort", "/usr/bin/sort", "."],
    ["tools\\run.bat", "C:\\work\\tools\\run.bat", "tools"],
  ] as const
) {
  Deno.test(`the program ${name} is the file ${sent} of its client`, () => {
    const sep = sent.includes("\\") ? "\\" : "/";
    const wanted = file(sent, place, sep);
    const base = sent.split(sep).at(-1)!;
    const others = [
      file(`/elsewhere/${base}`, "elsewhere"),
      wanted,
      file("/home/u/data.txt", ""),
    ];
    equal(programFile(program(name, ...others)), wanted);
    const isBelow = place.startsWith("tools");
    equal(programToRepeat(program(name, ...others)), isBelow ? wanted : null);
  });
}

Deno.test("a computation of functions has no program, nor has one that sends none", () => {
  const run = file("/home/u/run.sh", "");
  equal(programFile({ ...program("run.sh", run), type: ComputeType.Function }), undefined);
  equal(programFile(program("other.sh", run)), undefined);
  equal(programToRepeat(program("other.sh", run)), null);
});

Deno.test("a file that leads out of its folder is not the program", () => {
  for (const destPath of ["..", "/bin", "a/../.."]) {
    equal(programFile(program("run.sh", file("/home/u/run.sh", destPath))), undefined);
  }
});

Deno.test("a program does not take the place of a file that its client has put there", () => {
  const [deep, top] = [file("/home/u/tools/run.sh", "tools"), file("/home/u/run.sh", "")];
  equal(programFile(program("tools/run.sh", deep, top)), deep);
  equal(programToRepeat(program("tools/run.sh", deep, top)), null);
});
