import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import {
  CONTROL_TAG,
  controlJson,
  type ControlRequest,
  decodeControlAnswer,
  decodeControlRequest,
  encodeControlAnswer,
  encodeControlRefusal,
  encodeControlRequest,
} from "../../../src/wire/control.ts";
import { WireError } from "../../../src/wire/mod.ts";
import { tagOf } from "../../../src/wire/tags.ts";

const ENCODER = new TextEncoder();

const REQUESTS: readonly ControlRequest[] = [
  { request: "status" },
  { request: "jobs", cluster: "work", limit: 10 },
  { request: "waits", cluster: "work" },
  { request: "cancelCluster", cluster: "1795352258752000", terminateRunning: false },
  { request: "cancelJob", cluster: "ünï", uid: 1795352258752001 },
  { request: "limitNode", node: "node1", cpus: null },
  { request: "limitNode", node: "10.0.0.1", cpus: 0 },
];

const CLUSTER = {
  id: 1795352258752000,
  name: "work",
  clientAddress: "10.0.0.9",
  state: "active",
  ageMs: 1,
  jobsPending: 2,
  jobsRunning: 3,
  jobsDone: 4,
  cpuTimeMs: 5.5,
  resultsUndelivered: 6,
  waits: [{
    kind: "setup_failed",
    nodes: ["10.0.0.2"],
    nodeCount: 1,
    reason: "no disk",
    text: "10.0.0.2: could not be set up: no disk",
  }],
};

for (const request of REQUESTS) {
  Deno.test(`a control request comes through: ${JSON.stringify(request)}`, () => {
    const message = encodeControlRequest(request);
    assertEquals(tagOf(message), CONTROL_TAG);
    assertEquals(decodeControlRequest(message), request);
  });
}

Deno.test("a control answer comes through, and is JSON with snake_case names", () => {
  const job = { uid: 7, state: "queued", node: null, ageMs: 8, runningMs: null };
  const answer = { cluster: CLUSTER, job };
  assertEquals(
    decodeControlAnswer("cancelJob", encodeControlAnswer("cancelJob", answer)),
    answer,
  );
  assertEquals(controlJson("cancelJob", answer), {
    cluster: {
      id: 1795352258752000,
      name: "work",
      client_address: "10.0.0.9",
      state: "active",
      age_ms: 1,
      jobs_pending: 2,
      jobs_running: 3,
      jobs_done: 4,
      cpu_time_ms: 5.5,
      results_undelivered: 6,
      waits: [{
        kind: "setup_failed",
        nodes: ["10.0.0.2"],
        node_count: 1,
        reason: "no disk",
        text: "10.0.0.2: could not be set up: no disk",
      }],
    },
    job: { uid: 7, state: "queued", node: null, age_ms: 8, running_ms: null },
  });
});

Deno.test("fields that a later version adds are left out", () => {
  const { node, ...rest } = { node: "node1", request: "limitNode", extra: [1, 2] };
  const message = ENCODER.encode(
    `${CONTROL_TAG}:${
      JSON.stringify({ version: 1, more: true, ...rest, body: { node, cpus: 1, other: "x" } })
    }`,
  );
  assertEquals(decodeControlRequest(message), { request: "limitNode", node: "node1", cpus: 1 });
});

const MALFORMED: readonly [what: string, body: string][] = [
  ["no JSON", "{"],
  ["no UTF-8", "\u{fffd}"],
  ["null", "null"],
  ["a list", "[]"],
  ["no version", '{"request":"status","body":{}}'],
  ["another version", '{"version":2,"request":"status","body":{}}'],
  ["an unknown request", '{"version":1,"request":"reboot","body":{}}'],
  ["a request named like a method of objects", '{"version":1,"request":"toString","body":{}}'],
  ["no body", '{"version":1,"request":"jobs"}'],
  ["a field missing", '{"version":1,"request":"jobs","body":{"limit":1}}'],
  ["a field of another type", '{"version":1,"request":"jobs","body":{"cluster":1,"limit":1}}'],
  [
    "null where a number must be",
    '{"version":1,"request":"cancelJob","body":{"cluster":"a","uid":null}}',
  ],
];

for (const [what, body] of MALFORMED) {
  Deno.test(`a control request is refused: ${what}`, () => {
    const error = assertThrows(() =>
      decodeControlRequest(ENCODER.encode(`${CONTROL_TAG}:${body}`))
    );
    assertEquals([(error as WireError).name, (error as WireError).kind], [
      "WireError",
      "malformed",
    ]);
  });
}

Deno.test("a refusal is thrown with its reason", () => {
  const error = assertThrows(() =>
    decodeControlAnswer("status", encodeControlRefusal("there is no cluster"))
  );
  assertEquals(error instanceof WireError && [error.kind, error.message], [
    "refused",
    "there is no cluster",
  ]);
});

for (const text of ["", "{", "null", "[]", "{}", '{"answer":null}', '{"answer":{"cluster":{}}}']) {
  Deno.test(`what is no answer is an error: ${JSON.stringify(text)}`, () => {
    const error = assertThrows(() => decodeControlAnswer("jobs", ENCODER.encode(text)));
    assertEquals((error as WireError).kind, "malformed");
  });
}
