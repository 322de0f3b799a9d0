/** What real clients and nodes of many releases said, recorded with their own schedulers. */

import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { decodeBase64 } from "@std/encoding/base64.js";
import { loads, PyDict, PYTHON2_PROTOCOL } from "../../../src/pickle/mod.ts";
import {
  ACK,
  AUTH_LENGTH_BYTES,
  decodeClientRequest,
  decodeNodeRequest,
  encodeClientAnswer,
  picklesReadBy,
} from "../../../src/wire/mod.ts";
import { splitTag } from "../../../src/wire/tags.ts";
import recorded from "./fixtures/conversations.json" with { type: "json" };

/**
 * The messages in a stream of bytes, which may begin with a proof of the secret. Behind a FILEXFER
 * comes the file, which is no message.
 */
function messagesIn(text: string): Uint8Array[] {
  let bytes = decodeBase64(text);
  const proof = new TextDecoder("latin1").decode(bytes.subarray(0, AUTH_LENGTH_BYTES));
  if (/^[0-9a-f]{40}$/.test(proof)) bytes = bytes.subarray(AUTH_LENGTH_BYTES);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
    const message = bytes.subarray(at + 4, at += 4 + length);
    messages.push(message);
    if (new TextDecoder("latin1").decode(message.subarray(0, 9)) === "FILEXFER:") break;
  }
  return messages;
}

const isAck = (message: Uint8Array) => `${message}` === `${ACK}`;

for (const [release, conversations] of Object.entries(recorded)) {
  const version = release.split(",")[0]!;
  const isPython2 = release.includes("Python 2");

  Deno.test(`conversations of ${release}: every message is read, and what its peer's Python reads`, () => {
    const kinds = new Set<string>();
    for (const { side, said } of conversations) {
      for (const message of messagesIn(said)) {
        if (isAck(message)) continue;
        const { tag } = splitTag(message);
        const request = side === "node" ? decodeNodeRequest(message) : decodeClientRequest(message);
        assertEquals(request.kind, tag);
        assertEquals(picklesReadBy(message) === PYTHON2_PROTOCOL, isPython2, tag);
        kinds.add(`${side} ${tag}`);
      }
    }
    for (const tag of ["CLIENT", "COMPUTE", "SCHEDULE", "JOB", "TERMINATE_JOB"]) {
      assert(kinds.has(`client ${tag}`), `${tag} was said: ${[...kinds]}`);
    }
    for (const tag of ["PONG", "JOB_REPLY"]) {
      assert(kinds.has(`node ${tag}`), `${tag} was said: ${[...kinds]}`);
    }
  });

  Deno.test(`conversations of ${release}: a client is greeted with what its own scheduler says`, () => {
    const greeting = conversations.find(({ side, said }) =>
      side === "client" && splitTag(messagesIn(said)[0]!).tag === "CLIENT"
    )!;
    const theirs = loads(messagesIn(greeting.answered)[0]!);
    const ours = loads(encodeClientAnswer({ ipAddr: "127.0.0.1", port: 1, sign: "s", version }));
    if (!(theirs instanceof PyDict && ours instanceof PyDict)) throw new Error("it is no dict");
    const names = (dict: PyDict) => [...dict].map(([key]) => String(key)).sort();
    assertEquals(names(ours), names(theirs));
    assertEquals(`${theirs.get("version")}`, version);
  });
}
