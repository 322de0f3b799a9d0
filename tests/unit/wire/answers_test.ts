import { assertEquals } from "@std/assert/equals.js";
import { dumps } from "../../../src/pickle/mod.ts";
import {
  ACK,
  decodeAckAnswer,
  decodeBareJobReply,
  decodeClientAnswer,
  decodeClientComputeAnswer,
  decodeComputeAnswer,
  decodeIntAnswer,
  decodeJobAnswer,
  decodePendingJobsAnswer,
  decodeRelayAnswer,
  decodeRetrieveJobAnswer,
  decodeUidsAnswer,
  encodeBareJobReply,
  encodeClientAnswer,
  encodeClientComputeAnswer,
  encodeIntAnswer,
  encodePendingJobsAnswer,
  encodeRelayAnswer,
  encodeRetrieveJobAnswer,
  encodeUidsAnswer,
} from "../../../src/wire/mod.ts";
import { assertWireError, plain } from "./assertions.ts";
import { joined } from "./codecs.ts";
import { answersOf } from "./fixtures/mod.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("answers of real dispy are read, and written so that they read the same", () => {
  const ints = answersOf("int").map((answer) => decodeIntAnswer(answer, "test"));
  assertEquals(ints, [0, 4, -1, 140234567890123]);
  assertEquals(ints.map((int) => decodeIntAnswer(encodeIntAnswer(int), "test")), ints);

  const uids = answersOf("uids").map((answer) => decodeUidsAnswer(answer, "test"));
  assertEquals(uids, [[], [7, 140234567890123]]);
  assertEquals(uids.map((list) => decodeUidsAnswer(encodeUidsAnswer(list), "test")), uids);

  for (const answer of answersOf("client").map(decodeClientAnswer)) {
    assertEquals([answer.ipAddr, answer.port, answer.version], ["192.0.2.9", 9702, "4.15.2"]);
    assertEquals(decodeClientAnswer(encodeClientAnswer(answer)), answer);
  }
  for (const answer of answersOf("client_compute").map(decodeClientComputeAnswer)) {
    assertEquals(answer.kind, "accepted");
    assertEquals(decodeClientComputeAnswer(encodeClientComputeAnswer(answer)), answer);
  }
  for (const answer of answersOf("pending_jobs").map(decodePendingJobsAnswer)) {
    assertEquals(answer, { doneUids: [7, 8], pending: 3 });
    assertEquals(decodePendingJobsAnswer(encodePendingJobsAnswer(answer)), answer);
  }
  const relays = answersOf("relay").map(decodeRelayAnswer);
  assertEquals(relays.map((answer) => answer?.ipAddrs ?? null), [null, ["192.0.2.1"]]);
  assertEquals(relays.map((answer) => decodeRelayAnswer(encodeRelayAnswer(answer))), relays);
});

Deno.test("a retrieved job, and the reply behind a file, read as they were written", () => {
  const [none, reply] = answersOf("retrieve_job").map(decodeRetrieveJobAnswer);
  assertEquals(none, null);
  if (reply === null || reply === undefined) throw new Error("no reply among the fixtures");
  assertEquals(reply.uid, 140234567890123);
  const again = decodeRetrieveJobAnswer(joined(encodeRetrieveJobAnswer(reply)));
  assertEquals(plain(again), plain(reply));
  assertEquals(plain(decodeBareJobReply(joined(encodeBareJobReply(reply)))), plain(reply));
});

Deno.test("a node takes a computation with a positive number of CPUs alone", () => {
  assertEquals(decodeComputeAnswer(dumps(4n)), { kind: "accepted", cpus: 4 });
  assertEquals(
    answersOf("compute_refused").map(decodeComputeAnswer).map((answer) =>
      answer.kind === "refused" ? answer.reason : answer
    ),
    ["Invalid computation", "Node busy", "answered 0", "answered -1"],
  );
  const reason = (message: Uint8Array) => decodeComputeAnswer(message);
  assertEquals(reason(bytes("Invalid computation code")), {
    kind: "refused",
    reason: "Invalid computation code",
  });
  assertEquals(reason(new Uint8Array(0)), {
    kind: "refused",
    reason: "connection closed without an answer",
  });
  assertEquals(reason(Uint8Array.of(0x80, 0x05, 0x2e)).kind, "refused");
  assertEquals(reason(dumps(true)).kind, "refused");
});

Deno.test("anything but ACK refuses, with a reason fit for one line of a log", () => {
  assertEquals(decodeAckAnswer(ACK), { kind: "accepted" });
  assertEquals(decodeAckAnswer(bytes("All CPUs busy!")), {
    kind: "refused",
    reason: "All CPUs busy!",
  });
  assertEquals(decodeAckAnswer(bytes("Invalid\n\x1b[31mjob")), {
    kind: "refused",
    reason: "Invalid [31mjob",
  });
  const long = decodeAckAnswer(bytes("x".repeat(5000)));
  assertEquals(long.kind === "refused" && long.reason.length, 201);
});

Deno.test("a node's refusal of a job means the same in every release", () => {
  const kind = (text: string) => decodeJobAnswer(bytes(text)).kind;
  assertEquals(kind("ACK"), "accepted");
  // The first text of each is of 4.12.3 and later, the others are of earlier releases.
  for (const text of ["All CPUs busy!", "NAK (all cpus busy)"]) assertEquals(kind(text), "busy");
  for (
    const text of [
      "Invalid job (KeyError(1))",
      "Invalid computation code",
      "NAK",
      "NAK (invalid computation 140234567890123)",
    ]
  ) assertEquals(kind(text), "dropped");
  for (const text of ["NAK (invalid command: b'JOB')", "", "File is too big"]) {
    assertEquals(kind(text), "rejected");
  }
});

Deno.test("a scheduler's refusal reaches the client as text", () => {
  const refusal = { kind: "refused", reason: "Scheduler is closing" } as const;
  assertEquals(decodeClientComputeAnswer(encodeClientComputeAnswer(refusal)), refusal);
  assertEquals(decodeClientComputeAnswer(dumps(bytes("Scheduler is closing"))), refusal);
});

Deno.test("an answer that is missing or of another type is an error", async () => {
  await assertWireError("closed", () => decodeIntAnswer(new Uint8Array(0), "test"));
  await assertWireError("malformed", () => decodeIntAnswer(dumps("4"), "test"));
  await assertWireError("malformed", () => decodeIntAnswer(dumps(1n << 60n), "test"));
  await assertWireError("malformed", () => decodeIntAnswer(dumps(true), "test"));
  await assertWireError("malformed", () => decodeUidsAnswer(dumps([1n, null]), "test"));
  await assertWireError("malformed", () => decodeUidsAnswer(dumps(1n), "test"));
  await assertWireError("malformed", () => decodeRelayAnswer(dumps([])));
});
