import { deepStrictEqual as equal } from "node:assert/strict";
import { concat } from "@std/bytes/concat.js";
import { loads, PyDict } from "../../../src/pickle/mod.ts";
import { encodeNodeClosed } from "../../../src/wire/node_closed.ts";
import { splitTag } from "../../../src/wire/tags.ts";

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
