/** What Python 2.7 sends is read, and what it is sent is what it can read. */

import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { decodeBase64 } from "@std/encoding/base64.js";
import { loads } from "../../../src/pickle/mod.ts";
import {
  CURRENT_RELEASE,
  decodeClientRequest,
  decodeNodeRequest,
  decodeToNode,
  dialectOf,
  encodeClientAnswer,
  encodeDiscovery,
  encodeIntAnswer,
  encodeToClient,
  encodeToNode,
  encodeUidsAnswer,
  picklesReadBy,
  type ToClientMessage,
  type ToNodeRequest,
} from "../../../src/wire/mod.ts";
import { splitTag } from "../../../src/wire/tags.ts";
import { ofKind, plain } from "./assertions.ts";
import { CODECS, joined } from "./codecs.ts";
import { type Direction, messagesOf } from "./fixtures/mod.ts";
import python2 from "./fixtures/messages_python2.json" with { type: "json" };

const PYTHON2 = dialectOf(CURRENT_RELEASE, 2);
const DIRECTIONS = Object.keys(CODECS) as Direction[];
const ofPython2 = (direction: Direction): Uint8Array[] =>
  python2.messages[direction].map((text: string) => decodeBase64(text));

for (const direction of DIRECTIONS) {
  Deno.test(`messages of Python 2.7, ${direction}, are read as those of Python 3 are`, () => {
    const ofPython3 = messagesOf(direction);
    ofPython2(direction).forEach((message, at) => {
      const other = ofPython3[at]!;
      const { tag } = splitTag(message);
      assertEquals(picklesReadBy(message), 2, tag);
      assertEquals(picklesReadBy(other), 5, tag);
      assertEquals(
        comparable(CODECS[direction](message).decoded),
        comparable(CODECS[direction](other).decoded),
        tag,
      );
    });
  });
}

/** What is read, but for source text, payloads and the order of dicts, which are each Python's own. */
function comparable(decoded: unknown): unknown {
  return JSON.parse(JSON.stringify(plain(decoded), (key, value) => {
    if (typeof value === "bigint") return Number(value);
    if (key === "dict") return [...value].sort((a, b) => String(a) < String(b) ? -1 : 1);
    return ["code", "args", "kwargs", "result", "stdout", "original"].includes(key) ? null : value;
  }));
}

Deno.test("what Python 2.7 is sent is of protocol 2, and says the same", () => {
  const toNode: ToNodeRequest[] = messagesOf("to_node").map((message) => decodeToNode(message));
  for (const request of toNode) {
    const sent = joined(encodeToNode(request, PYTHON2));
    assertEquals(splitTag(sent).body[1], 2, request.kind);
    // Bytes that are ASCII are text in Python 2.
    assertEquals(plain(decodeToNode(sent)), plain(request), request.kind);
  }
  const toClient = messagesOf("to_client").map((message) => CODECS.to_client(message).decoded);
  for (const message of toClient as ToClientMessage[]) {
    const sent = joined(encodeToClient(message, PYTHON2));
    assertEquals(splitTag(sent).body[1], 2, message.kind);
    assertEquals(plain(CODECS.to_client(sent).decoded), plain(message), message.kind);
  }
});

Deno.test("names of files and source text are str in UTF-8, with whatever bytes they had", () => {
  const [message] = messagesOf("to_node");
  const { compute } = ofKind(decodeToNode(message!), "COMPUTE");
  const name = "caf\udce9 ü";
  const sent = joined(encodeToNode({ kind: "COMPUTE", compute: { ...compute, name } }, PYTHON2));
  const latin1 = Array.from(sent, (byte) => String.fromCharCode(byte)).join("");
  assert(latin1.includes("U\x07caf\xe9 \xc3\xbc"), "the name as bytes");
  assertEquals(ofKind(decodeToNode(sent), "COMPUTE").compute.name, name);
});

Deno.test("greetings and answers are the same for every Python", () => {
  const greeting = joined(encodeDiscovery({
    ...{ kind: "PING", from: "scheduler", version: "4.15.2", sign: "s", port: 9700 },
    ...{ ipAddrs: ["10.0.0.1"], nodeIpAddr: null, pickleProtocol: 5 },
  }));
  assertEquals(splitTag(greeting).body[1], 2);
  const answers = [
    encodeIntAnswer(140234567890123),
    encodeUidsAnswer([7]),
    encodeClientAnswer({ ipAddr: "10.0.0.9", port: 9702, sign: "s", version: "4.15.2" }),
  ];
  for (const answer of answers) {
    assertEquals(answer[1], 2);
    loads(answer);
  }
});

Deno.test("a job of Python 2.7 comes with its arguments as they are", () => {
  const jobs = ofPython2("from_client").map((message) => decodeClientRequest(message))
    .flatMap((request) => request.kind === "JOB" ? [request.job] : []);
  assert(jobs.length > 0);
  for (const job of jobs) {
    assertEquals(job.args.subarray(0, 2), new Uint8Array([0x80, 2]));
    assertEquals(plain(loads(job.args)), { tuple: [42n, "x".repeat(300)] });
  }
  const pong = ofPython2("discovery").map((message) => decodeNodeRequest(message))
    .find(({ kind }) => kind === "PONG");
  assertEquals(ofKind(pong!, "PONG").auth.length, 40);
});
