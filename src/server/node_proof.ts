/**
 * Whether a node that has answered a greeting knows the secret, and what we prove it with in turn.
 *
 * @module
 */

import {
  authMatches,
  type OwnAuthSession,
  type OwnProof,
  ownProofMatches,
  ownRequestAuth,
  type Pong,
} from "../wire/mod.ts";
import type { Context } from "./context.ts";

/** A node knows the secret. */
export interface GoodProof {
  readonly kind: "good";
  /** What opens requests to it, where that is not dispy's proof. */
  readonly requestAuth?: string;
}

/** What came of looking at a node's proof. */
export type NodeProof =
  | GoodProof
  /** It has another secret. */
  | { readonly kind: "wrong" }
  /** It has given dispy's proof only, and ours is required. */
  | { readonly kind: "dispy's only" };

const DECODER = new TextDecoder();

/** Whose proofs those in `pong` are. */
export function sessionOf(pong: Pong, { schedulerSign, nonce }: OwnProof): OwnAuthSession {
  return {
    schedulerSign,
    nodeSign: pong.sign,
    nonce,
    nodeAddress: pong.ipAddr,
    nodePort: pong.port,
    schedulerAddress: pong.schedulerIpAddr ?? "",
  };
}

/**
 * Checks a node's proof.
 *
 * @param to Our address that it has come to, where that is known.
 * @param isAnswer Whether `pong` answers a question that was asked under another sign than ours, and
 *   that was checked already.
 */
export function checkNodeProof(
  context: Context,
  pong: Pong,
  { to, isAnswer }: { readonly to: string | null; readonly isAnswer: boolean },
): NodeProof {
  const { addresses, nodeAuth, options: { nodeSecret, requireOwnAuth }, sign } = context;
  const { ownProof, schedulerIpAddr } = pong;
  // A node that was greeted by somebody in between has found us at that one's address.
  const isHere = schedulerIpAddr === to ||
    addresses.known.some(({ address, external }) =>
      address === schedulerIpAddr || external === schedulerIpAddr
    );
  if (ownProof !== undefined && nodeSecret !== "" && isHere) {
    const session = sessionOf(pong, ownProof);
    const isOurs = isAnswer || ownProof.schedulerSign === sign;
    if (!isOurs || !ownProofMatches(nodeSecret, session, ownProof.code)) return { kind: "wrong" };
    return { kind: "good", requestAuth: DECODER.decode(ownRequestAuth(nodeSecret, session)) };
  }
  if (!isAnswer && !authMatches(pong.auth, nodeAuth)) return { kind: "wrong" };
  return requireOwnAuth ? { kind: "dispy's only" } : { kind: "good" };
}
