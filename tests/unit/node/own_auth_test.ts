/** Our node gives out what opens a node only to a scheduler that can make nothing else of it. */

import { deepStrictEqual as equal, notDeepStrictEqual as notEqual, ok } from "node:assert/strict";
import {
  authCode,
  encodeToNode,
  FILLER_AUTH,
  OWN_AUTH_VERSION,
  ownProofMatches,
  ownRequestAuth,
} from "../../../src/wire/mod.ts";
import { Scene } from "./fake_scheduler.ts";

const SECRET = "known to both";
const SIGN = "d".repeat(40);
const JOBS = { kind: "JOBS", computeId: 1, auth: "a".repeat(40) } as const;

/** The node's answer to a scheduler of ours, and whose proofs are in it. */
async function greeted(scene: Scene) {
  const before = scene.all("PONG").length;
  await scene.send({ ...scene.greeting(SIGN), ownAuth: OWN_AUTH_VERSION } as never);
  const pong = await scene.until("PONG", before + 1);
  const proof = pong.ownProof!;
  const session = {
    schedulerSign: SIGN,
    nodeSign: pong.sign,
    nonce: proof.nonce,
    nodeAddress: pong.ipAddr,
    nodePort: pong.port,
    schedulerAddress: pong.schedulerIpAddr!,
  };
  return { pong, proof, session };
}

/** Whether a request that opens with `auth` is answered. */
async function opens(scene: Scene, auth: Uint8Array): Promise<boolean> {
  return (await scene.askWith(auth, ...encodeToNode(JOBS))).length > 0;
}

Deno.test("a scheduler of ours gets a proof of its own, beside dispy's, and opens requests with ours", async () => {
  await using scene = await Scene.open({ secret: SECRET });
  equal(scene.pong.ownProof, undefined);
  const { pong, proof, session } = await greeted(scene);
  equal(pong.auth, authCode(SECRET, SIGN));
  ok(ownProofMatches(SECRET, session, proof.code));
  ok(await opens(scene, ownRequestAuth(SECRET, session)));
  ok(await opens(scene, authCode(SECRET, pong.sign)));
  ok(!await opens(scene, ownRequestAuth("another", session)));
  ok(!await opens(scene, ownRequestAuth(SECRET, { ...session, nonce: "0".repeat(32) })));
});

Deno.test("with --require_own_auth a node neither gives nor takes dispy's proof", async () => {
  await using scene = await Scene.open({ secret: SECRET, requireOwnAuth: true }, false);
  const { pong, session } = await greeted(scene);
  equal(pong.auth, FILLER_AUTH);
  notEqual(pong.auth, authCode(SECRET, SIGN));
  ok(await opens(scene, ownRequestAuth(SECRET, session)));
  ok(!await opens(scene, authCode(SECRET, pong.sign)));
  // A scheduler of dispy is not answered at all.
  await scene.send(scene.greeting("e".repeat(40)));
  await greeted(scene);
  equal(scene.all("PONG").length, 2);
});
