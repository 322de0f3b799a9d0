import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { loads, PyDict } from "../../../src/pickle/mod.ts";
import type { PyValue } from "../../../src/pickle/mod.ts";
import {
  decodeClientRequest,
  decodeNodeRequest,
  decodeToClient,
  decodeToNode,
  encodeToClient,
  encodeToNode,
  JobStatus,
  WireError,
} from "../../../src/wire/mod.ts";
import type { DispyJob, JobReply } from "../../../src/wire/mod.ts";
import { splitTag } from "../../../src/wire/tags.ts";
import { ofKind, plain } from "./assertions.ts";
import { CODECS, joined } from "./codecs.ts";
import { jobReplyByProtocol, messagesOf } from "./fixtures/mod.ts";
import type { Direction } from "./fixtures/mod.ts";

const DIRECTIONS = Object.keys(CODECS) as Direction[];

/** What `plain` makes of a dict. */
interface Dict {
  dict?: unknown[];
}

/** The attributes or entries of a message's body, wherever they stand, by name. */
function content(value: PyValue): unknown {
  return sorted(plain(value));
}

/**
 * Without the order of dicts, without the difference of `0` and `0.0` (times may be either), and
 * with the state of a class with `__slots__` as one dict.
 */
function sorted(value: unknown): unknown {
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const { dict, tuple } = value as Dict & { tuple?: unknown[] };
  if (dict !== undefined) {
    return { dict: dict.map(sorted).sort((a, b) => String(a) < String(b) ? -1 : 1) };
  }
  const slotState = (tuple ?? []).map((item) => item === null ? [] : (item as Dict).dict);
  if (slotState.length === 2 && slotState.every((entries) => entries !== undefined)) {
    return sorted({ dict: slotState.flat() });
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sorted(item)]));
}

for (const direction of DIRECTIONS) {
  Deno.test(`messages of real dispy, ${direction}: nothing is lost or added on the way`, () => {
    const messages = messagesOf(direction);
    assert(messages.length > 0);
    for (const message of messages) {
      const { tag, body } = splitTag(message);
      const { decoded, encoded } = CODECS[direction](message);
      assertEquals(decoded.kind, tag);
      const again = splitTag(encoded);
      assertEquals(again.tag, tag);
      assertEquals(content(loads(again.body)), content(loads(body)), tag);
      assertEquals(plain(CODECS[direction](encoded).decoded), plain(decoded), tag);
    }
  });
}

function onlyMessage(direction: Direction, tag: string): Uint8Array {
  const found = messagesOf(direction).find((message) => splitTag(message).tag === tag);
  if (found === undefined) throw new Error(`no ${tag} among the fixtures`);
  return found;
}

Deno.test("a client's job: its fields, and payloads that are views into the message", () => {
  const message = onlyMessage("from_client", "JOB");
  const request = ofKind(decodeClientRequest(message), "JOB");
  const { job, ...rest } = request;
  assertEquals(rest, { kind: "JOB", node: null, auth: "fedcba9876543210fedcba9876543210fedcba98" });
  assertEquals(job.uid, null);
  assertEquals(job.hash, "a1b2c3d4e5f60718293a");
  assertEquals(job.computeId, 1700000000123);
  assertEquals(plain(loads(job.args)), { tuple: [42n, "x".repeat(300)] });
  assertEquals(plain(loads(job.kwargs)), { dict: [] });
  assertEquals(job.args.buffer, message.buffer);
});

Deno.test("a job goes on to a node under the scheduler's uid, otherwise as it came", () => {
  const request = ofKind(decodeClientRequest(onlyMessage("from_client", "JOB")), "JOB");
  const job: DispyJob = { ...request.job, uid: 99 };
  const sent = decodeToNode(joined(encodeToNode({ kind: "JOB", job })));
  assertEquals(plain(sent), plain({ kind: "JOB", job }));
});

Deno.test("large payloads are not copied on their way through", () => {
  const request = ofKind(decodeClientRequest(onlyMessage("from_client", "JOB")), "JOB");
  const args = new Uint8Array(100_000);
  const chunks = encodeToNode({ kind: "JOB", job: { ...request.job, uid: 1, args } });
  assert(chunks.some((chunk) => chunk.buffer === args.buffer));
});

Deno.test("a node's reply goes on to the client with the node's CPUs added", () => {
  const message = onlyMessage("from_node", "JOB_REPLY");
  const request = ofKind(decodeNodeRequest(message), "JOB_REPLY");
  assertEquals(request.reply.cpus, null);
  assertEquals(request.reply.status, JobStatus.Finished);
  assertEquals(request.reply.startTimeS, 1700000010.5);
  assertEquals(request.reply.result?.buffer, message.buffer);
  const reply: JobReply = { ...request.reply, cpus: 8 };
  const sent = decodeToClient(joined(encodeToClient({ kind: "JOB_REPLY", reply })));
  assertEquals(plain(sent), plain({ kind: "JOB_REPLY", reply }));
});

Deno.test("attributes that we do not know are written back", () => {
  const replies = messagesOf("from_node").map((message) => decodeNodeRequest(message))
    .flatMap((request) => request.kind === "JOB_REPLY" ? [request.reply.extra] : []);
  assertEquals(plain(replies[2]), plain(PyDict.from({ added: "by a later version" })));
  assertEquals(replies[0], null);
});

Deno.test("a job reply reads the same in every pickle protocol from 2 on", () => {
  assertEquals(jobReplyByProtocol.length, 4);
  const replies = jobReplyByProtocol.map((message) => plain(decodeNodeRequest(message)));
  for (const reply of replies) assertEquals(reply, replies[0]);
});

Deno.test("a computation and its files: the fields that a scheduler needs", () => {
  const request = ofKind(decodeClientRequest(onlyMessage("from_client", "COMPUTE")), "COMPUTE");
  const { compute, nodeAllocs } = request;
  assertEquals(compute.id, null);
  assertEquals(compute.name, "work");
  assertEquals(compute.reentrant, true);
  assertEquals(plain(compute.clientReplyAddr), { tuple: ["192.0.2.9", 9700n] });
  assertEquals(compute.xferFiles.map(({ name, stat }) => [name, stat.sizeBytes]), [
    ["/home/user/data.bin", 2048001],
    ["/home/user/empty", 0],
  ]);
  const stat = compute.xferFiles[0]?.stat;
  assertEquals([stat?.mode, stat?.atimeS, stat?.mtimeS], [0o100640, 1700000001.25, 1700000002.5]);
  assertEquals(nodeAllocs.map(({ host, port, cpus }) => [host, port, cpus]), [
    ["*", null, 0],
    ["192.0.2.21", 9801, 2],
  ]);
});

Deno.test("node allocations of users' own classes keep their class", () => {
  const request = ofKind(
    decodeClientRequest(onlyMessage("from_client", "ALLOCATE_NODE")),
    "ALLOCATE_NODE",
  );
  assertEquals(request.nodeAllocs.map((alloc) => [plain(alloc.cls), alloc.ipAddr, alloc.cpus]), [
    [{ global: "dispy.NodeAllocate" }, "192.0.2.*", -1],
    [{ global: "__main__.FastNodes" }, "192.0.2.*", -1],
    [{ global: "__main__.SlotNodes" }, "192.0.2.*", -1],
  ]);
  assertEquals(request.nodeAllocs[0]?.ipRex, "192\\.0\\.2\\..*");
  assertEquals(plain(request.nodeAllocs[2]?.extra), plain(PyDict.from({ note: "mine" })));
});

Deno.test("a reply that brings no result is none: it has no status, or says that the job runs", () => {
  const message = onlyMessage("from_node", "JOB_REPLY");
  const { reply } = ofKind(decodeNodeRequest(message), "JOB_REPLY");
  for (const status of [JobStatus.Created, JobStatus.Running]) {
    const sent = joined(encodeToClient({ kind: "JOB_REPLY", reply: { ...reply, status } }));
    assertThrows(() => decodeToClient(sent), WireError, "status");
    assertThrows(() => decodeNodeRequest(sent), WireError, "status");
  }
});
