/**
 * What we write, loaded by dispy's own classes.
 */

import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { encodeBase64 } from "@std/encoding/base64.js";
import {
  encodeClientAnswer,
  encodeFileStat,
  encodeIntAnswer,
  encodePendingJobsAnswer,
  encodeUidsAnswer,
  encodeXferFile,
} from "../../../src/wire/mod.ts";
import { dumps } from "../../../src/pickle/mod.ts";
import { CODECS } from "../../unit/wire/codecs.ts";
import { ensureVenv, type Unavailable } from "../../../scripts/venv.ts";
import { messagesOf } from "../../unit/wire/fixtures/mod.ts";
import type { Direction } from "../../unit/wire/fixtures/mod.ts";

const venv = await ensureVenv();
const ignore = "unavailable" in venv && Deno.env.get("CI") !== "true";
if (ignore) console.warn(`skipped: ${(venv as Unavailable).unavailable}`);

/** What dispy makes of each of `messages`. */
async function describe(messages: readonly Uint8Array[]): Promise<unknown[]> {
  if ("unavailable" in venv) throw new Error(venv.unavailable);
  const script = new URL("./describe_messages.py", import.meta.url).pathname;
  const process = new Deno.Command(venv.python, {
    args: ["-B", script],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(messages.map(encodeBase64))));
  await input.close();
  const { success, stdout, stderr } = await process.output();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

for (const direction of Object.keys(CODECS) as Direction[]) {
  Deno.test({
    name: `messages that we write mean to dispy what its own did: ${direction}`,
    ignore,
    fn: async () => {
      const originals = messagesOf(direction);
      const ours = originals.map((message) => CODECS[direction](message).encoded);
      const [expected, actual] = [await describe(originals), await describe(ours)];
      assertEquals(expected.length, originals.length);
      assertEquals(actual, expected);
    },
  });
}

Deno.test({
  name: "answers that we write are what dispy expects",
  ignore,
  fn: async () => {
    const answers = [
      encodeIntAnswer(140234567890123),
      encodeUidsAnswer([1, 2]),
      encodeClientAnswer({ ipAddr: "192.0.2.9", port: 9702, sign: "s", version: "4.15.2" }),
      encodePendingJobsAnswer({ doneUids: [7], pending: 3 }),
    ];
    assertEquals(await describe(answers), [
      [null, 140234567890123],
      [null, { list: [1, 2] }],
      [null, {
        dict: [["'ip_addr'", "192.0.2.9"], ["'port'", 9702], ["'sign'", "s"], [
          "'version'",
          "4.15.2",
        ]],
      }],
      [null, { dict: [["'done'", { list: [7] }], ["'pending'", 3]] }],
    ]);
  },
});

Deno.test({
  name: "a file's stat made here is an os.stat_result to Python",
  ignore,
  fn: async () => {
    const stat = { sizeBytes: 5e9, mode: 0o100644, atimeS: 1.5, mtimeS: 2.25, original: null };
    const file = { name: "f", destPath: ".", computeId: null, stat, sep: "/", extra: null };
    const [bare, inFile] = await describe([
      dumps(encodeFileStat(stat)),
      dumps(encodeXferFile(file)),
    ]);
    const described = { stat_result: [0o100644, 5e9, 1.5, 2.25] };
    assertEquals(bare, [null, described]);
    assert(JSON.stringify(inFile).includes(JSON.stringify(described)));
  },
});
