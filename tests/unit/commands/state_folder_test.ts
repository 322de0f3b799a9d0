import { deepStrictEqual as equal, match } from "node:assert/strict";
import { defaultStateFolder, lastingFolder } from "../../../src/commands/state_folder.ts";
import { temporaryFolder } from "../../../src/commands/temporary_folder.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { DiskStore } from "../../../src/store/disk_store.ts";

const onlyUnix = { ignore: Deno.build.os === "windows" };

const from = (variables: Readonly<Record<string, string>>) => (name: string) => variables[name];

Deno.test("the state is where systemd wants it, else where the user keeps such", onlyUnix, () => {
  const HOME = "/home/eva";
  const XDG_STATE_HOME = "/data/state";
  const STATE_DIRECTORY = "/var/lib/dispyscheduler:/var/lib/other";
  const folders = [
    lastingFolder(from({ HOME, XDG_STATE_HOME, STATE_DIRECTORY })),
    lastingFolder(from({ HOME, XDG_STATE_HOME, STATE_DIRECTORY: "" })),
    lastingFolder(from({ HOME })),
    lastingFolder(from({})),
  ];
  equal(folders, [
    "/var/lib/dispyscheduler",
    "/data/state/dispyscheduler",
    "/home/eva/.local/state/dispyscheduler",
    null,
  ]);
});

/** Finds the folder, and the warnings on the way. */
async function found(name: string, variables: Readonly<Record<string, string>>) {
  const lines: string[] = [];
  configureLogging({ level: "warning", format: "text", write: (line) => lines.push(line) });
  try {
    return { ...await defaultStateFolder(name, from(variables)), warnings: lines.join("\n") };
  } finally {
    configureLogging({ level: "error", format: "text" });
  }
}

Deno.test(
  "a folder that lasts is used without a word, and made for its owner only",
  onlyUnix,
  async () => {
    const home = await Deno.makeTempDir();
    const { path, isTemporary, warnings } = await found("state_of_a_test", { HOME: home });
    equal([path, isTemporary, warnings], [`${home}/.local/state/dispyscheduler`, false, ""]);
    equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o700);
    await Deno.remove(home, { recursive: true });
  },
);

Deno.test(
  "without a folder that lasts the temporary one is used, with a warning",
  onlyUnix,
  async () => {
    for (const variables of [{}, { HOME: "/dev/null" }]) {
      const { path, isTemporary, warnings } = await found("state_of_a_test", variables);
      equal([path, isTemporary], [`${await temporaryFolder()}/dispy/scheduler`, true]);
      match(
        warnings,
        /a restart may empty.*(HOME cannot be read|Not a directory).*--dest_path_prefix/s,
      );
    }
  },
);

Deno.test(
  "what an earlier run has left in the temporary folder is not forgotten",
  onlyUnix,
  async () => {
    const name = `state_of_test_${crypto.randomUUID()}`;
    const temporary = `${await temporaryFolder()}/dispy/scheduler`;
    const store = await DiskStore.open(temporary, { clean: false, name, isShared: true });
    try {
      const { path, isTemporary, warnings } = await found(name, { HOME: "/nowhere" });
      equal([path, isTemporary], [temporary, true]);
      match(warnings, /an earlier run has left its state there/);
    } finally {
      await store.close({ keep: false });
    }
  },
);
