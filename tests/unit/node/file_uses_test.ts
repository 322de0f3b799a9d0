import { deepStrictEqual as equal } from "node:assert/strict";
import { FileUses } from "../../../src/node/file_uses.ts";

Deno.test("a file that came for two jobs is needed until both have ended", () => {
  const files = new FileUses();
  files.arrived("a");
  files.found("a");
  equal(files.released("a"), false);
  equal(files.paths, ["a"]);
  equal(files.released("a"), true);
  equal(files.paths, []);
});

Deno.test("a file that came for the computation outlives the jobs that bring it, too", () => {
  const files = new FileUses();
  files.arrived("own");
  for (let job = 0; job < 3; job++) {
    files.found("own");
    equal(files.released("own"), false);
  }
  equal(files.paths, ["own"]);
});

Deno.test("a file that was there before any came is never ours to remove", () => {
  const files = new FileUses();
  files.found("theirs");
  equal(files.released("theirs"), false);
  equal(files.paths, ["theirs"]);
});

Deno.test("a file that never came is not to be removed for a job that names it", () => {
  equal(new FileUses().released("never"), false);
});
