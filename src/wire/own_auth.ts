/**
 * How our own scheduler and our own node prove the node secret to each other.
 *
 * dispy's proof is the SHA-1 of the secret and a sign that its *receiver* has chosen, so whoever
 * greets a node with the sign of another one gets the proof that lets it in there. Ours are
 * HMAC-SHA-256 codes, with the secret as key, of a JSON array that holds everything they are good for:
 *
 * ```
 * ["dispyscheduler 1", direction, scheduler's sign, node's sign, nonce,
 *  node's address, node's port, scheduler's address]
 * ```
 *
 * - The **direction** is part of it: what a node sends is no proof towards a node (no reflection).
 * - **Both signs** are: a proof that was asked of one node is none at another (no oracle), and none
 *   towards another scheduler. Signs are 160 random bits of one run of a program, so a proof ends
 *   with either run.
 * - The node's **nonce** is: each greeting that a node answers has proofs of its own.
 * - **Both addresses** are, as the node knows them, and both sides check their own: who passes
 *   messages on must be at the address that it claims to be at.
 *
 * A node proves the secret in its `PONG:`; the scheduler with the 40 bytes in front of each request,
 * which are the same from that `PONG:` to the node's end. Who listens in without TLS can repeat those.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { AUTH_LENGTH_BYTES, authMatches } from "./auth.ts";

/** Named in greetings by those who can do this; changes with the text above. */
export const OWN_AUTH_VERSION = 1;

/** Random bytes of a nonce. */
export const NONCE_BYTES = 16;

/** What a node sends of it. */
export interface OwnProof {
  /** The sign in the greeting that is answered. */
  readonly schedulerSign: string;
  /** Random hexadecimal digits. */
  readonly nonce: string;
  /** The code for the scheduler, as hexadecimal digits. */
  readonly code: string;
}

/** Whose proofs these are. */
export interface OwnAuthSession {
  readonly schedulerSign: string;
  readonly nodeSign: string;
  readonly nonce: string;
  readonly nodeAddress: string;
  readonly nodePort: number;
  /** Where the node reaches the scheduler. */
  readonly schedulerAddress: string;
}

type Direction = "node to scheduler" | "scheduler to node";

function code(secret: string, direction: Direction, session: OwnAuthSession): string {
  const { schedulerSign, nodeSign, nonce, nodeAddress, nodePort, schedulerAddress } = session;
  const text = JSON.stringify([
    ...[`dispyscheduler ${OWN_AUTH_VERSION}`, direction, schedulerSign, nodeSign, nonce],
    ...[nodeAddress, nodePort, schedulerAddress],
  ]);
  return createHmac("sha256", secret).update(text, "utf8").digest("hex");
}

/** What a node proves the secret with towards the scheduler that has greeted it. */
export function ownProof(secret: string, session: OwnAuthSession): OwnProof {
  const { schedulerSign, nonce } = session;
  return { schedulerSign, nonce, code: code(secret, "node to scheduler", session) };
}

const ENCODER = new TextEncoder();

/** Whether a node knows the secret. */
export function ownProofMatches(secret: string, session: OwnAuthSession, proof: string): boolean {
  const expected = code(secret, "node to scheduler", session);
  return authMatches(ENCODER.encode(expected), ENCODER.encode(proof));
}

/** What the scheduler proves the secret with in front of its requests to the node. */
export function ownRequestAuth(secret: string, session: OwnAuthSession): Uint8Array {
  return ENCODER.encode(code(secret, "scheduler to node", session).slice(0, AUTH_LENGTH_BYTES));
}
