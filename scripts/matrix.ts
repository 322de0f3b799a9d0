/**
 * The matrix of dispy releases: has it played, and writes its table into `tests/interop/README.md`.
 *
 *     deno run -A scripts/matrix.ts --play [RELEASE…]   # all or some, with both schedulers; records
 *     deno run -A scripts/matrix.ts                     # writes the table from what was recorded
 *     deno run -A scripts/matrix.ts --check             # tells whether the table is up to date
 *
 * The tests hold our scheduler to every row; what was recorded of the original says in the table
 * what it could do.
 *
 * @module
 */

import { ROWS, SECURED_ROWS } from "../tests/interop/harness/matrix.ts";
import { cannot, outcomes, OUTCOMES_FILE } from "../tests/interop/harness/matrix_known.ts";
import {
  OLD_RELEASES,
  type ReleaseName,
  titleOf,
  TODAYS_RELEASES,
} from "../tests/interop/harness/releases.ts";

const ROOT = new URL("../", import.meta.url);
const DOCUMENT = new URL("tests/interop/README.md", ROOT);
const BEGIN = "<!-- matrix:begin (written by scripts/matrix.ts) -->";
const END = "<!-- matrix:end -->";

const RELEASES: readonly ReleaseName[] = [...TODAYS_RELEASES, ...OLD_RELEASES];
const ALL_ROWS: readonly string[] = [...ROWS, ...SECURED_ROWS];

/** The test file of a release. */
function fileOf(release: ReleaseName): string {
  const name = titleOf(release).replace(", Python ", "_python_").replaceAll(".", "_");
  return `tests/interop/matrix/dispy_${name}_test.ts`;
}

/** Plays the releases with one scheduler, and returns what came of the rows. */
async function play(
  scheduler: "ours" | "reference",
  release: ReleaseName,
): Promise<Record<string, string | null>> {
  const folder = await Deno.makeTempDir({ prefix: "dispy-matrix-" });
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", fileOf(release)],
      cwd: ROOT,
      env: { DISPY_MATRIX_RECORD: folder, DISPY_TEST_SCHEDULER: scheduler },
    }).output();
    const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    if (!success) throw new Error(text);
    const played: Record<string, string | null> = {};
    for await (const { name } of Deno.readDir(folder)) {
      Object.assign(
        played,
        Object.fromEntries(JSON.parse(await Deno.readTextFile(`${folder}/${name}`)).rows),
      );
    }
    // Where the object is in memory differs from run to run and tells nothing.
    for (const [row, problem] of Object.entries(played)) {
      played[row] = problem?.replaceAll(/ at 0x[0-9a-f]+/g, "") ?? null;
    }
    return Object.fromEntries(
      ALL_ROWS.filter((row) => row in played).map((row) => [row, played[row]!]),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Plays what is asked for and writes it down. */
async function record(titles: readonly string[]): Promise<void> {
  const asked = RELEASES.filter((release) =>
    titles.length === 0 || titles.includes(titleOf(release))
  );
  const known = ["ours", "reference"].filter((each) => !Deno.args.includes(`--no-${each}`));
  for (const scheduler of known as ("ours" | "reference")[]) {
    for (const release of asked) {
      console.error(`${scheduler}, dispy ${titleOf(release)} …`);
      const played = await play(scheduler, release);
      const all = outcomes();
      const merged = {
        ...all,
        [scheduler]: Object.fromEntries(
          Object.entries({ ...all[scheduler], [titleOf(release)]: played }).sort(),
        ),
      };
      await Deno.writeTextFile(OUTCOMES_FILE, `${JSON.stringify(merged, null, 2)}\n`);
    }
  }
}

/** What stands in the table for a row and a release. */
function cell(release: ReleaseName, row: string): string {
  if (cannot(release, row) !== undefined) return "–";
  const all = outcomes();
  const title = titleOf(release);
  const ours = all.ours[title]?.[row];
  const original = all.reference[title]?.[row];
  if (ours === undefined || original === undefined) return "?";
  if (ours !== null) return "✗";
  return original === null ? "✓" : "ours";
}

/** The table with what its signs say. */
export function matrixTable(): string {
  const head = RELEASES.map(({ dispy, python }) => python ? `${dispy} (py ${python})` : dispy);
  const lines = [
    `| What works with dispy | ${head.join(" | ")} |`,
    `| --- |${" --- |".repeat(head.length)}`,
    ...ALL_ROWS.map((row) =>
      `| ${row} | ${RELEASES.map((release) => cell(release, row)).join(" | ")} |`
    ),
  ];
  const reasons = RELEASES.flatMap((release) =>
    ALL_ROWS.flatMap((row) => {
      const reason = cannot(release, row);
      return reason === undefined ? [] : [`${row} with dispy ${titleOf(release)}: ${reason}`];
    })
  );
  return [
    ...lines,
    "",
    "✓: with this scheduler and with the release's own. ours: with this scheduler only. ✗: not with " +
    "this scheduler. –: with no scheduler. ?: not played yet.",
    "",
    ...reasons.map((reason) => `- ${reason}`),
  ].join("\n").trimEnd();
}

/** The document with the current table in its place. */
export function withMatrix(text: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("tests/interop/README.md has lost its marks");
  return text.slice(0, begin + BEGIN.length) + "\n\n" + matrixTable() + "\n\n" + text.slice(end);
}

if (import.meta.main) {
  const titles = Deno.args.filter((arg) => !arg.startsWith("--"));
  if (Deno.args.includes("--play")) await record(titles);
  const text = await Deno.readTextFile(DOCUMENT);
  const current = withMatrix(text);
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(DOCUMENT, current);
  else if (current !== text) {
    console.error("tests/interop/README.md is out of date; run scripts/matrix.ts");
    Deno.exit(1);
  }
}
