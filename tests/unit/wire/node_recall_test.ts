import { deepStrictEqual as equal, throws } from "node:assert/strict";
import { loads, PyDict } from "../../../src/pickle/mod.ts";
import {
  decodeRecall,
  encodeNodeClosed,
  encodePendingAnswer,
  encodeRetrieveAnswer,
  isRecallTag,
} from "../../../src/wire/node_recall.ts";
import { encodeTagged, splitTag } from "../../../src/wire/tags.ts";
import { concat } from "@std/bytes/concat.js";

const REQUEST = { compute_id: 7n, auth: "a".repeat(40), uid: 3n, hash: "h" };

const message = (tag: string, body: Record<string, bigint | string>) =>
  concat(encodeTagged(tag, PyDict.from(body)));

Deno.test("what a JobCluster asks of a node is read", () => {
  equal(decodeRecall(message("PENDING_JOBS", REQUEST)), {
    kind: "PENDING_JOBS",
    computeId: 7,
    auth: REQUEST.auth,
  });
  equal(decodeRecall(message("RETRIEVE_JOB", REQUEST)), {
    kind: "RETRIEVE_JOB",
    computeId: 7,
    auth: REQUEST.auth,
    uid: 3,
    hash: "h",
  });
  equal(["PENDING_JOBS", "RETRIEVE_JOB", "JOBS"].map(isRecallTag), [true, true, false]);
});

Deno.test("requests that lack something, or are none of these, are malformed", () => {
  const { hash: _, ...withoutHash } = REQUEST;
  throws(() => decodeRecall(message("RETRIEVE_JOB", withoutHash)), { kind: "malformed" });
  throws(() => decodeRecall(message("PENDING_JOBS", { compute_id: "x" })), { kind: "malformed" });
  throws(() => decodeRecall(message("JOBS", REQUEST)), { kind: "malformed" });
  throws(() => decodeRecall(new Uint8Array()), { kind: "malformed" });
});

Deno.test("answers are as dispy's own nodes write them", () => {
  const pending = loads(encodePendingAnswer([3, 4], 2)) as PyDict;
  equal([pending.get("done"), pending.get("pending")], [[3n, 4n], 2n]);
  equal(loads(concat(encodeRetrieveAnswer(null))), null);
});

Deno.test("a reset is told with what proves that it is the node's", () => {
  const nodeAuth = new TextEncoder().encode("b".repeat(40));
  const { tag, body } = splitTag(
    concat(encodeNodeClosed({ computeId: 7, auth: "a", nodeIpAddr: "10.0.0.2", nodeAuth })),
  );
  const dict = loads(body) as PyDict;
  equal(tag, "NODE_CLOSED");
  equal([...dict].map(([key]) => key), ["node_addr", "node_auth", "compute_id", "auth"]);
  equal([dict.get("node_addr"), dict.get("compute_id"), dict.get("auth")], ["10.0.0.2", 7n, "a"]);
  equal(dict.get("node_auth"), nodeAuth);
});
