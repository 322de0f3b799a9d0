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

Deno.test("a file is not found while it is being removed: both wait for their turn", async () => {
  const files = new FileUses();
  files.arrived("a");
  const order: string[] = [];
  const removing = Promise.withResolvers<void>();
  const removal = files.inTurn("a", async () => {
    order.push(`removed: ${files.released("a")}`);
    await removing.promise;
    order.push("gone");
  });
  const search = files.inTurn("a", () => Promise.resolve(order.push("looked for")));
  const other = files.inTurn("b", () => Promise.resolve(order.push("another file")));
  await other;
  removing.resolve();
  await Promise.all([removal, search]);
  equal(order, ["removed: true", "another file", "gone", "looked for"]);
});

Deno.test("what has failed with a file does not keep others from their turn", async () => {
  const files = new FileUses();
  const failed = files.inTurn("a", () => Promise.reject(new Error("no")));
  const next = files.inTurn("a", () => Promise.resolve("done"));
  equal([await failed.catch((error) => error.message), await next], ["no", "done"]);
});
