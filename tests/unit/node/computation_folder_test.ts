/** The folders of computations: made by the node, whatever clients and schedulers call them. */

import { deepStrictEqual as equal, rejects } from "node:assert/strict";
import { basename } from "node:path";
import {
  ComputationFolders,
  removeLeftovers,
  scratchFolder,
} from "../../../src/node/computation_folder.ts";
import { OWN_ACCESS } from "../../../src/node/folder_access.ts";

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** A test with folders below one that is removed afterwards. */
function folderTest(
  name: string,
  test: (prefix: string, folders: ComputationFolders) => Promise<void>,
): void {
  Deno.test(name, async () => {
    const prefix = await Deno.makeTempDir();
    await Deno.mkdir(`${prefix}/node`);
    try {
      await test(`${prefix}/node`, new ComputationFolders(`${prefix}/node`, OWN_ACCESS));
      equal(namesIn(prefix), ["node"]);
    } finally {
      await Deno.remove(prefix, { recursive: true });
    }
  });
}

const made = { id: 1, isTemporary: true };

folderTest(
  "of a node that was killed, the next one removes what would have been removed",
  async (prefix, folders) => {
    await removeLeftovers(prefix);
    const make = async (id: number, isTemporary: boolean, destPath: string | null = null) => {
      const { path } = await folders.make({ id, destPath, isTemporary }, "127.0.0.1");
      await Deno.mkdir(`${path}/made by a job`);
      return basename(path);
    };
    await make(1, true);
    // What a client has asked to keep, or named itself, is not ours to judge.
    const kept = await make(2, false);
    const named = [await make(3, true, "mine"), await make(4, true, "4_a.temporary")];
    await Deno.mkdir(`${scratchFolder(prefix)}/made by a runner`);
    await Deno.mkdir(`${prefix}/results`);
    await removeLeftovers(prefix);
    equal(namesIn(`${prefix}/127.0.0.1`), [kept, "named"]);
    equal(namesIn(`${prefix}/127.0.0.1/named`), named.sort());
    equal(namesIn(scratchFolder(prefix)), []);
    equal(namesIn(prefix), ["127.0.0.1", "results", "scratch"]);
  },
);

for (const destPath of ["/", ".", "./", "//.//", "\\", "", null]) {
  folderTest(
    `dest_path ${JSON.stringify(destPath)} names no folder: the computation has one of its own`,
    async (prefix, folders) => {
      const [a, b] = [
        await folders.make({ ...made, destPath }, "10.0.0.1"),
        await folders.make({ ...made, destPath }, "10.0.0.1"),
      ];
      for (const { path } of [a, b]) {
        equal(path.startsWith(`${prefix}/10.0.0.1/1_`), true, path);
      }
      equal(a.path === b.path, false);
    },
  );
}

for (
  const [destPath, below] of [
    ["data", "data"],
    ["/etc", "etc"],
    ["./data//deep/.", "data/deep"],
    ["data\\deep", "data/deep"],
    ["1_x", "1_x"],
    ["a/...", "a/..."],
  ] as const
) {
  folderTest(`dest_path ${destPath} names a folder below the node's`, async (prefix, folders) => {
    const { path } = await folders.make({ ...made, destPath }, "10.0.0.1");
    equal(path, `${prefix}/10.0.0.1/named/${below}`);
    equal((await Deno.lstat(path)).isDirectory, true);
  });
}

for (const destPath of ["..", "../up", "a/../../up", "a/..", "\\..\\up", "C:\\x", "C:", "a\0b"]) {
  folderTest(
    `dest_path ${JSON.stringify(destPath)} leads elsewhere, and is refused`,
    async (_, folders) => {
      await rejects(folders.make({ ...made, destPath }, "10.0.0.1"), /dest_path/);
    },
  );
}

for (const linked of ["named/data", "named"]) {
  folderTest(
    `what a job has made of ${linked}, a link, is no folder for the next computation`,
    async (prefix, folders) => {
      await Deno.mkdir(`${prefix}/10.0.0.1/named`, { recursive: true });
      await Deno.remove(`${prefix}/10.0.0.1/named`, { recursive: true });
      if (linked !== "named") await Deno.mkdir(`${prefix}/10.0.0.1/named`);
      await Deno.symlink("/tmp", `${prefix}/10.0.0.1/${linked}`);
      await rejects(folders.make({ ...made, destPath: "data/deep" }, "10.0.0.1"), /a link/);
    },
  );
}

for (
  const scheduler of ["..", ".", "", "results", "scratch", "lock", "../../tmp", "a/b", "named"]
) {
  folderTest(
    `a scheduler that calls itself ${JSON.stringify(scheduler)} gets no folder of others`,
    async (prefix, folders) => {
      const { path } = await folders.make({ ...made, destPath: null }, scheduler);
      equal(path.startsWith(`${prefix}/host_`), true, path);
      equal(path.slice(prefix.length).split("/").length, 3);
    },
  );
}

folderTest("the folder of an IPv6 scheduler can stand in PATH", async (prefix, folders) => {
  const { path } = await folders.make({ ...made, destPath: "x" }, "fe80::1");
  equal(path, `${prefix}/fe80__1/named/x`);
});

folderTest(
  "a named folder is removed with the last computation that uses it, or one below it",
  async (prefix, folders) => {
    const make = (id: number, destPath: string) =>
      folders.make({ ...made, id, destPath }, "10.0.0.1");
    const [outer, again, inner] = [await make(1, "a"), await make(2, "a"), await make(3, "a/b")];
    await Deno.writeTextFile(`${outer.path}/came`, "");
    await Deno.writeTextFile(`${outer.path}/made`, "");
    await outer.close(true, [`${outer.path}/came`]);
    equal(namesIn(outer.path), ["b", "made"]);
    await again.close(true, []);
    equal(namesIn(outer.path), ["b", "made"]);
    await inner.close(true, []);
    equal(namesIn(outer.path), ["made"]);
    await (await make(4, "a")).close(true, []);
    equal(namesIn(`${prefix}/10.0.0.1/named`), []);
  },
);

folderTest(
  "a computation that is refused takes nothing of a named folder with it",
  async (prefix, folders) => {
    const first = await folders.make({ ...made, destPath: "a" }, "10.0.0.1");
    await Deno.writeTextFile(`${first.path}/made`, "");
    await (await folders.make({ ...made, destPath: "a" }, "10.0.0.1")).abandon();
    await first.close(false, []);
    await (await folders.make({ ...made, destPath: "a" }, "10.0.0.1")).abandon();
    equal(namesIn(`${prefix}/10.0.0.1/named/a`), ["made"]);
    await (await folders.make({ ...made, destPath: null }, "10.0.0.1")).abandon();
    equal(namesIn(`${prefix}/10.0.0.1`), ["named"]);
  },
);

folderTest(
  "a named folder that is just being removed is there for the next",
  async (_, folders) => {
    for (let round = 0; round < 20; round++) {
      const first = await folders.make({ ...made, destPath: "a/b" }, "10.0.0.1");
      for (let at = 0; at < 20; at++) await Deno.writeTextFile(`${first.path}/${at}`, "");
      const [, next] = await Promise.all([
        first.close(true, []),
        folders.make({ ...made, destPath: "a/b" }, "10.0.0.1"),
      ]);
      await Deno.writeTextFile(`${next.path}/of the next`, "");
      equal(namesIn(next.path).includes("of the next"), true);
      await next.close(true, []);
    }
  },
);
