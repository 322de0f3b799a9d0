import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { dumps, PyDict, PyGlobal, PyObject, PyTuple } from "../../../src/pickle/mod.ts";
import type { PyValue } from "../../../src/pickle/mod.ts";
import {
  decodeClientRequest,
  decodeDiscovery,
  decodeDispyJob,
  decodeNodeAllocate,
  decodeNodeRequest,
  decodeToClient,
  decodeToNode,
  WireError,
} from "../../../src/wire/mod.ts";
import { assertWireError } from "./assertions.ts";
import { CODECS, joined } from "./codecs.ts";
import { messagesOf } from "./fixtures/mod.ts";
import type { Direction } from "./fixtures/mod.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const message = (tag: string, body: PyValue): Uint8Array => joined([bytes(tag), dumps(body)]);

function instance(name: string, attributes: PyDict): PyObject {
  return new PyObject(
    { kind: "newobj", cls: new PyGlobal("dispy", name), args: new PyTuple([]) },
    [{ kind: "build", state: attributes }],
  );
}

const JOB = {
  uid: null,
  hash: "h",
  compute_id: 1n,
  _args: bytes("args"),
  _kwargs: bytes("kwargs"),
  xfer_files: [],
  code: "",
};

Deno.test("what does not begin with a tag, or with an unknown one, is malformed", async () => {
  for (const text of ["", ":", "JOB", "job:", "J\x00B:", "GET / HTTP/1.1", "A".repeat(100) + ":"]) {
    await assertWireError("malformed", () => decodeClientRequest(bytes(text)));
  }
  const error = await assertWireError("malformed", () => decodeClientRequest(bytes("NODE_INFO:x")));
  assertEquals(error.message, `unknown message "NODE_INFO" to the client port`);
  for (const decode of [decodeNodeRequest, decodeToNode, decodeToClient, decodeDiscovery]) {
    await assertWireError("malformed", () => decode(bytes("CLIENTS:x")));
  }
  await assertWireError("malformed", () => decodeClientRequest(bytes("__proto__:x")));
});

Deno.test("an error names message and field, never the value", async () => {
  const bad = PyDict.from({ version: "4.15.2", ip_addr: 0x5ec4e7n, scheduler_ip_addr: null });
  const error = await assertWireError(
    "malformed",
    () => decodeClientRequest(message("CLIENT:", bad)),
  );
  assertEquals(error.message, `CLIENT: field "ip_addr" must be a string`);
});

Deno.test("a body that is no pickle is malformed, and the message is named", async () => {
  const error = await assertWireError(
    "malformed",
    () => decodeClientRequest(bytes("JOB:nonsense")),
  );
  assert(error.message.startsWith("JOB: "));
});

Deno.test("an instance of another class is malformed, however much alike", async () => {
  const error = await assertWireError(
    "malformed",
    () => decodeDispyJob(instance("_JobReply", PyDict.from(JOB))),
  );
  assertEquals(error.message, "expected an instance of dispy._DispyJob_");
  for (const value of [PyDict.from(JOB), null, 1n, new PyGlobal("dispy", "_DispyJob_")]) {
    await assertWireError("malformed", () => decodeDispyJob(value));
  }
});

Deno.test("each field of a job is checked", async () => {
  assertEquals(decodeDispyJob(instance("_DispyJob_", PyDict.from(JOB))).hash, "h");
  for (const field of Object.keys(JOB)) {
    const wrong = PyDict.from({ ...JOB, [field]: new PyTuple([1.5]) });
    if (field === "xfer_files") wrong.set(field, [1n]);
    const error = await assertWireError(
      "malformed",
      () => decodeDispyJob(instance("_DispyJob_", wrong)),
    );
    assert(field === "xfer_files" || error.message.includes(`"${field}"`), error.message);
  }
});

Deno.test("integers past 53 bits are malformed, and so are booleans in their place", async () => {
  for (const compute_id of [1n << 53n, -(1n << 70n), true, 1]) {
    await assertWireError(
      "malformed",
      () => decodeDispyJob(instance("_DispyJob_", PyDict.from({ ...JOB, compute_id }))),
    );
  }
});

Deno.test("ports are checked, and a peer that is to be called has one above 0", async () => {
  const ping = { version: "4.15.2", sign: "s", ip_addrs: ["192.0.2.1"] };
  for (const port of [0n, -1n, 65536n, null, "9700"]) {
    await assertWireError(
      "malformed",
      () => decodeDiscovery(message("PING:", PyDict.from({ ...ping, port }))),
    );
  }
});

Deno.test("a node allocation needs an address", async () => {
  for (const ip_addr of [null, "", 1n]) {
    const value = instance("NodeAllocate", PyDict.from({ ip_addr, ip_rex: "" }));
    await assertWireError("malformed", () => decodeNodeAllocate(value));
  }
});

Deno.test("messages cut short or with any byte changed give a WireError or a message", () => {
  let errors = 0;
  for (const direction of Object.keys(CODECS) as Direction[]) {
    for (const original of messagesOf(direction)) {
      for (let at = 0; at < original.length; at += 3) {
        const changed = original.slice();
        changed[at] = (changed[at] as number) ^ (1 << (at % 8));
        for (const bad of [original.subarray(0, at), changed]) {
          try {
            CODECS[direction](bad);
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
            assertEquals(error.kind, "malformed");
            errors++;
          }
        }
      }
    }
  }
  assert(errors > 1000);
});
