/** Our own proofs are good for one question, one direction and two peers only. */

import { assertEquals } from "@std/assert/equals.js";
import { assertNotEquals } from "@std/assert/not_equals.js";
import {
  AUTH_LENGTH_BYTES,
  decodeDiscovery,
  encodeDiscovery,
  type OwnAuthSession,
  ownProof,
  ownProofMatches,
  ownRequestAuth,
  type Pong,
  type SchedulerPing,
} from "../../../src/wire/mod.ts";
import { concat } from "@std/bytes/concat.js";

const SESSION: OwnAuthSession = {
  schedulerSign: "a".repeat(40),
  nodeSign: "b".repeat(40),
  nonce: "c".repeat(32),
  nodeAddress: "10.0.0.2",
  nodePort: 9701,
  schedulerAddress: "10.0.0.1",
};

const DECODER = new TextDecoder();

Deno.test("a proof fits its secret and session, and no other", () => {
  const { code } = ownProof("secret", SESSION);
  assertEquals(ownProofMatches("secret", SESSION, code), true);
  assertEquals(ownProofMatches("other", SESSION, code), false);
  const changes: Partial<OwnAuthSession>[] = [
    { schedulerSign: SESSION.nodeSign },
    { nodeSign: SESSION.schedulerSign },
    { nonce: "d".repeat(32) },
    { nodeAddress: "10.0.0.3" },
    { nodePort: 9702 },
    { schedulerAddress: "10.0.0.9" },
  ];
  for (const change of changes) {
    const session = { ...SESSION, ...change };
    assertEquals(ownProofMatches("secret", session, code), false, JSON.stringify(change));
    assertNotEquals(ownRequestAuth("secret", session), ownRequestAuth("secret", SESSION));
  }
});

Deno.test("what a node sends opens no request: the directions have codes of their own", () => {
  const auth = DECODER.decode(ownRequestAuth("secret", SESSION));
  assertEquals(auth.length, AUTH_LENGTH_BYTES);
  assertNotEquals(auth, ownProof("secret", SESSION).code.slice(0, AUTH_LENGTH_BYTES));
});

Deno.test("no text of one field can stand for two", () => {
  for (const separator of ["|", ",", '","', " ", "\n"]) {
    const one = { ...SESSION, nonce: `a${separator}b`, nodeAddress: "c" };
    const other = { ...SESSION, nonce: "a", nodeAddress: `b${separator}c` };
    assertNotEquals(ownProof("secret", one).code, ownProof("secret", other).code);
  }
});

Deno.test("greetings and answers carry our proofs, where there are any", () => {
  const ping: SchedulerPing = {
    ...{ kind: "PING", from: "scheduler", version: "4.15.2", sign: SESSION.schedulerSign },
    ...{ port: 9700, ipAddrs: ["10.0.0.1"], nodeIpAddr: null },
  };
  const pong: Pong = {
    ...{ kind: "PONG", version: "4.15.2", sign: SESSION.nodeSign, ipAddr: "10.0.0.2" },
    ...{ port: 9701, name: "n", cpus: 1, platform: "Linux", auth: new Uint8Array(40) },
    ...{ availInfo: null, schedulerIpAddr: "10.0.0.1" },
  };
  for (
    const message of [
      ping,
      { ...ping, ownAuth: 1 },
      pong,
      { ...pong, ownProof: ownProof("secret", SESSION) },
    ]
  ) {
    assertEquals(decodeDiscovery(concat(encodeDiscovery(message))), message);
  }
});
