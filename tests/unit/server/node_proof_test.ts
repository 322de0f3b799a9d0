/** Which proofs of the node secret the scheduler takes, and what it proves it with in turn. */

import { assertEquals } from "@std/assert/equals.js";
import { nodeAuthOf } from "../../../src/server/context.ts";
import {
  authCode,
  FILLER_AUTH,
  type OwnAuthSession,
  ownProof,
  ownRequestAuth,
  type Pong,
} from "../../../src/wire/mod.ts";
import { Bench, FAMILY, HOST, SIGN } from "./bench.ts";

const SECRET = "node secret";
const NODE = "127.0.0.7";

const SESSION: OwnAuthSession = {
  schedulerSign: SIGN,
  nodeSign: "7".repeat(40),
  nonce: "c".repeat(32),
  nodeAddress: NODE,
  nodePort: 9701,
  schedulerAddress: HOST,
};

/** An answer with dispy's proof, ours, both, or none. */
function pong(changes: Partial<Pong> = {}, session: OwnAuthSession | null = SESSION): Pong {
  return {
    ...{ kind: "PONG", version: "4.15.2", sign: SESSION.nodeSign, ipAddr: NODE, port: 9701 },
    ...{ name: "node", cpus: 2, platform: "Linux", auth: authCode(SECRET, SIGN) },
    ...{ availInfo: null, schedulerIpAddr: HOST },
    ...(session === null ? {} : { ownProof: ownProof(SECRET, session) }),
    ...changes,
  };
}

/** What opens requests to the node that has answered so; `null` where it is not taken. */
function requestsWith(bench: Bench, answer: Pong): Uint8Array | null {
  bench.nodeSide.serveDatagram(answer, FAMILY, NODE);
  const node = bench.context.engine.core.nodes.get(NODE);
  return node === undefined ? null : nodeAuthOf(bench.context, node);
}

const OWN = ownRequestAuth(SECRET, SESSION);
const DISPY = authCode(SECRET, SESSION.nodeSign);
const OTHER = { ...SESSION, nodeSign: "8".repeat(40) };
const ELSEWHERE = { ...SESSION, schedulerAddress: "127.0.0.99" };

/** What is answered, and what opens requests then: usually, and with `--require_own_auth`. */
const CASES: readonly [string, Pong, Uint8Array | null, Uint8Array | null][] = [
  ["dispy's proof", pong({}, null), DISPY, null],
  ["both proofs", pong(), OWN, OWN],
  ["our proof alone", pong({ auth: FILLER_AUTH }), OWN, OWN],
  ["no proof", pong({ auth: FILLER_AUTH }, null), null, null],
  ["our proof of another node", pong({}, OTHER), null, null],
  [
    "our proof for another scheduler",
    pong({}, { ...SESSION, schedulerSign: "6".repeat(40) }),
    null,
    null,
  ],
  [
    "our proof of a wrong secret",
    pong({ ownProof: ownProof("another", SESSION) }),
    null,
    null,
  ],
  // It was greeted by a machine in between; dispy's proof does not tell.
  [
    "our proof for another address",
    pong({ schedulerIpAddr: "127.0.0.99" }, ELSEWHERE),
    DISPY,
    null,
  ],
];

for (const [name, answer, usually, strictly] of CASES) {
  for (const requireOwnAuth of [false, true]) {
    const expected = requireOwnAuth ? strictly : usually;
    const taken = expected === null
      ? "not used"
      : expected === OWN
      ? "asked by ours"
      : "asked by dispy's";
    Deno.test(`a node that gives ${name} is ${taken}${requireOwnAuth ? ", where ours is required" : ""}`, async () => {
      await using bench = new Bench({ requireOwnAuth });
      assertEquals(requestsWith(bench, answer), expected);
    });
  }
}

Deno.test("a node that answers again with another nonce is asked with the proof of that", async () => {
  await using bench = new Bench();
  requestsWith(bench, pong());
  const again = { ...SESSION, nonce: "d".repeat(32) };
  assertEquals(requestsWith(bench, pong({}, again)), ownRequestAuth(SECRET, again));
});
