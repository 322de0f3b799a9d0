/** Where a scheduler finds what an earlier run has left, and what it does where it cannot. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { type Opened, openState } from "../../../src/commands/scheduler_state.ts";
import { pack } from "../../../src/journal/packing.ts";
import { configureLogging } from "../../../src/log/log.ts";
import { StoreError } from "../../../src/store/file_store.ts";
import { FakeEnvironment } from "../cli/fake_environment.ts";
import { withFolder } from "../journal/folder.ts";

/** Opens the state of a scheduler with these options; what it says goes to `said`. */
function open(folder: string, args: readonly string[] = [], said: string[] = []): Promise<Opened> {
  configureLogging({ level: "info", format: "text", write: (line) => said.push(line) });
  const outcome = parseCommandLine(
    ["--dest_path_prefix", folder, ...args],
    new FakeEnvironment(),
  );
  if (outcome.kind !== "run") throw new Error(`not to be run: ${outcome.stderr}`);
  return openState(outcome.config);
}

/** Ends a run as a kill does. */
async function kill({ state, store }: Opened): Promise<void> {
  state?.database.close();
  await store.close({ keep: true });
}

function writeSign({ state }: Opened, sign: string): void {
  const record = pack(sign);
  state!.database.commit([{ kind: "put", table: "meta", key: "sign", record, payload: null }]);
}

const folders = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
const journalIn = (folder: string) => `${folder}/${folders(folder)[0]}/journal.sqlite3`;

Deno.test("the next run with the same options finds what this one has left", async () => {
  await withFolder(async (folder) => {
    const said: string[] = [];
    const first = await open(folder, [], said);
    assertEquals(first.state?.legacy?.sign, null);
    writeSign(first, "our sign");
    await kill(first);
    const second = await open(folder, [], said);
    assertEquals(second.state?.legacy?.sign, "our sign");
    await kill(second);
    assertEquals(said, []);
    assertEquals(folders(folder).length, 1);
  });
});

Deno.test("runs at other ports or addresses have a state of their own", async () => {
  await withFolder(async (folder) => {
    const runs = [
      await open(folder),
      await open(folder, ["-p", "9800"]),
      await open(folder, ["-i", "127.0.0.1"]),
      await open(folder, ["-i", "::1"]),
    ];
    for (const [number, run] of runs.entries()) writeSign(run, `sign ${number}`);
    for (const run of runs) await kill(run);
    const again = await open(folder, ["-i", "::1"]);
    assertEquals(again.state?.legacy?.sign, "sign 3");
    await kill(again);
    assertEquals(folders(folder).length, 4);
  });
});

Deno.test("a second scheduler with the same state is one clear error", async () => {
  await withFolder(async (folder) => {
    const running = await open(folder);
    const error = await assertRejects(() => open(folder), StoreError);
    assertMatch(error.message, /another scheduler that is running uses .*dispyscheduler_state_/);
    assertMatch(error.message, /stop it, or choose other ports with -p$/);
    await kill(running);
    await kill(await open(folder));
  });
});

/** What may lie in a journal's place. */
const UNUSABLE: Record<string, (path: string) => Promise<void>> = {
  "that has become empty": (path) => Deno.writeTextFile(path, ""),
  "that is no database": (path) => Deno.writeTextFile(path, "something else\n".repeat(50)),
  "with rows that nobody can read": async (path) => {
    const { SqliteDatabase } = await import("../../../src/journal/sqlite_database.ts");
    const database = await SqliteDatabase.open(path, "crash");
    const record = new Uint8Array([0xc1]);
    database.commit([{ kind: "put", table: "job", key: 1, record, payload: null }]);
    database.close();
  },
};

for (const [what, spoil] of Object.entries(UNUSABLE)) {
  Deno.test(`a journal ${what} is put aside as it is; the run goes on, and so does the next`, async () => {
    await withFolder(async (folder) => {
      await kill(await open(folder));
      const [name] = folders(folder);
      await Deno.writeTextFile(`${folder}/${name}/1`, "file");
      await spoil(journalIn(folder));
      const spoiled = await Deno.readFile(journalIn(folder));

      const said: string[] = [];
      const next = await open(folder, [], said);
      assertEquals(next.state?.legacy?.sign, null);
      assertEquals(said.length, 1);
      assertMatch(said[0]!, /ERROR.*put aside reason=.* aside=.*_unusable_\d{17} effect=/);
      const [, aside] = folders(folder);
      assertMatch(aside!, new RegExp(`^${name}_unusable_`));
      assertEquals(await Deno.readFile(`${folder}/${aside}/journal.sqlite3`), spoiled);
      assertEquals(await Deno.readTextFile(`${folder}/${aside}/1`), "file");

      writeSign(next, "new sign");
      await kill(next);
      const later = await open(folder, [], said);
      assertEquals([later.state?.legacy?.sign, said.length], ["new sign", 1]);
      await kill(later);
      assertEquals(folders(folder).length, 2);
    });
  });
}

Deno.test("files whose journal is gone are put aside, too", async () => {
  await withFolder(async (folder) => {
    const first = await open(folder);
    writeSign(first, "our sign");
    await kill(first);
    const [name] = folders(folder);
    await Deno.writeTextFile(`${folder}/${name}/7`, "file");
    await Deno.remove(journalIn(folder));
    const said: string[] = [];
    await kill(await open(folder, [], said));
    assertMatch(said[0]!, /ERROR.*put aside reason="it is empty, and there are files/);
    assertEquals(await Deno.readTextFile(`${folder}/${folders(folder)[1]}/7`), "file");
    await kill(await open(folder, [], said));
    assertEquals([said.length, folders(folder).length], [1, 2]);
  });
});

Deno.test("with --durability off nothing is kept, and what an earlier run has left stays", async () => {
  await withFolder(async (folder) => {
    const first = await open(folder);
    writeSign(first, "our sign");
    await kill(first);
    const said: string[] = [];
    const without = await open(folder, ["--durability", "off"], said);
    assertEquals(without.state, null);
    assertMatch(said[0]!, /INFO.*nothing is kept for a later start/);
    await without.store.close({ keep: false });
    const third = await open(folder);
    assertEquals(third.state?.legacy?.sign, "our sign");
    await kill(third);
  });
});

Deno.test("with --clean a run begins with nothing", async () => {
  await withFolder(async (folder) => {
    const first = await open(folder);
    writeSign(first, "our sign");
    await kill(first);
    const second = await open(folder, ["--clean"]);
    assertEquals(second.state?.legacy?.sign, null);
    await kill(second);
  });
});

Deno.test({
  name: "where reading is not permitted nothing is kept, and that is said with what to do",
  permissions: { read: false, write: true, net: false },
  fn: async () => {
    const said: string[] = [];
    const opened = await open("/somewhere", [], said);
    assertEquals([opened.state, opened.store.isOnDisk], [null, false]);
    assertMatch(said.join("\n"), /--allow-read=\/somewhere/);
    assertMatch(said.join("\n"), /WARN.*nothing is kept for a later start durability=crash/);
  },
});
