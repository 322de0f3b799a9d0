/**
 * The scenarios of one release of the matrix.
 *
 * With `DISPY_MATRIX_RECORD` set to a folder, what came of the rows is written there for
 * `scripts/matrix.ts`, and nothing is a failure.
 *
 * @module
 */

import { deepStrictEqual as equal } from "node:assert/strict";
import { Certificates, OPENSSL_AVAILABLE } from "../../unit/net/certificates.ts";
import { type Lab, SCHEDULER } from "./lab.ts";
import { type Outcomes, playRows, playSecured, ROWS, SHORT_ROWS } from "./matrix.ts";
import { cannot, originalFails } from "./matrix_known.ts";
import { installed, isFrom, type Release, type ReleaseName, titleOf } from "./releases.ts";
import { runOwnClient } from "../own_clients/start.ts";
import { scenario } from "./scenario.ts";

const RECORD = Deno.env.get("DISPY_MATRIX_RECORD");
/** Rows to play, separated by `;`, for work on one of them. */
const ONLY = Deno.env.get("DISPY_MATRIX_ROWS")?.split(";");

async function check(
  release: Release,
  rows: readonly string[],
  play: (rows: readonly string[]) => Promise<Outcomes>,
): Promise<void> {
  const possible = rows.filter((row) => cannot(release, row) === undefined);
  const played = ONLY === undefined ? possible : possible.filter((row) => ONLY.includes(row));
  if (played.length === 0) return;
  const outcomes = await play(played);
  if (RECORD !== undefined) {
    const name = `${SCHEDULER} ${titleOf(release)} ${played[0]}.json`.replaceAll(/[ ,]+/g, "_");
    const entry = { scheduler: SCHEDULER, release: titleOf(release), rows: [...outcomes] };
    await Deno.writeTextFile(`${RECORD}/${name}`, JSON.stringify(entry));
    return;
  }
  const known = (row: string) => SCHEDULER === "reference" && originalFails(release, row);
  const problems = [...outcomes].filter(([row, problem]) => problem !== null && !known(row));
  equal(Object.fromEntries(problems), {});
}

/** Whether this Python's dispy can do TLS: it calls a function that Python 3.12 dropped. */
async function canDoTls({ venv }: Release): Promise<boolean> {
  const args = ["-c", "import ssl; ssl.wrap_socket"];
  return (await new Deno.Command(venv.python, { args, stderr: "null" }).output()).success;
}

/** Registers scenarios of a release with our own node and client library. */
function withOurs(
  name: ReleaseName,
  play: (what: string, limitMs: number, steps: (lab: Lab, has: Release) => Promise<void>) => void,
): void {
  play("its clients with our nodes", 120_000, async (lab, client) => {
    const rows = SHORT_ROWS.filter((row) => cannot(client, row) === undefined);
    const outcomes = await playRows(lab, { client, nodes: ["ours", "ours"] }, rows);
    equal(Object.fromEntries(outcomes), Object.fromEntries(rows.map((row) => [row, null])));
  });
  // Our client library speaks as dispy 4.15 does; older nodes do not understand what it sends.
  if (!isFrom(name, "4.11")) return;
  play("its nodes with our client library", 60_000, async (lab, release) => {
    await lab.startScheduler();
    await lab.startNode(1, { kind: "dispynode", release });
    const { events } = await runOwnClient(lab, "results.ts");
    const [value, , failing, keyword] = events;
    equal([value!.status, value!.result], ["Finished", [1, 2.5, "three", null, true, { four: 4 }]]);
    equal([failing!.status, failing!.error], ["Terminated", "JobFailedError"]);
    equal([keyword!.status, keyword!.result], ["Finished", { a: 1, seen: true }]);
  });
}

/** Registers the scenarios of a release. */
export async function matrix(name: ReleaseName): Promise<void> {
  const release = await installed(name);
  const missing = "unavailable" in release ? release.unavailable : undefined;
  // Packages bring today's Python; those of former days are taken where they are.
  const lacking = name.python === undefined ? undefined : missing;
  const unavailable = name.python === undefined ? missing : undefined;
  if (lacking !== undefined) console.warn(`dispy ${titleOf(name)} is skipped: ${lacking}`);
  const play = (what: string, limitMs: number, steps: (lab: Lab, has: Release) => Promise<void>) =>
    scenario(
      `dispy ${titleOf(name)}: ${what}`,
      { tier: "more", limitMs, unavailable, lacking },
      (lab) => steps(lab, release as Release),
    );

  play(
    "clients and nodes get what their own scheduler gives them",
    300_000,
    (lab, release) => check(release, ROWS, (rows) => playRows(lab, { client: release }, rows)),
  );
  play(
    "secrets",
    60_000,
    (lab, release) => check(release, ["secrets"], () => playSecured(lab, release)),
  );
  if (SCHEDULER === "ours" && RECORD === undefined) withOurs(name, play);
  if (missing === undefined && (!OPENSSL_AVAILABLE || !await canDoTls(release as Release))) return;
  play("TLS", 60_000, (lab, release) =>
    check(release, ["TLS"], async () => {
      await using certificates = await Certificates.open();
      return await playSecured(lab, release, await certificates.selfSigned("rsa", true));
    }));
}
