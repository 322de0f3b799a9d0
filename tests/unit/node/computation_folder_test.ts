import { deepStrictEqual as equal } from "node:assert/strict";
import { basename } from "node:path";
import {
  ComputationFolder,
  removeLeftovers,
  scratchFolder,
} from "../../../src/node/computation_folder.ts";

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name);
}

Deno.test("of a node that was killed, the next one removes what would have been removed", async () => {
  const prefix = await Deno.makeTempDir();
  await removeLeftovers(prefix);
  const make = async (id: number, isTemporary: boolean, destPath: string | null = null) => {
    const { path } = await ComputationFolder.make(
      prefix,
      { id, destPath, isTemporary },
      "127.0.0.1",
    );
    await Deno.mkdir(`${path}/made by a job`);
    return basename(path);
  };
  await make(1, true);
  // What a client has asked to keep, or named itself, is not ours to judge.
  const kept = [
    await make(2, false),
    await make(3, true, "mine"),
    await make(4, true, "a.temporary"),
  ];
  await Deno.mkdir(`${scratchFolder(prefix)}/made by a runner`);
  await Deno.mkdir(`${prefix}/results`);
  await removeLeftovers(prefix);
  equal(namesIn(`${prefix}/127.0.0.1`).sort(), kept.sort());
  equal(namesIn(scratchFolder(prefix)), []);
  equal(namesIn(prefix).sort(), ["127.0.0.1", "results", "scratch"]);
  await Deno.remove(prefix, { recursive: true });
});
