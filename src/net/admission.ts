/**
 * Who may connect to a side of ours, how often, and how many at a time.
 *
 * Two kinds of peers: addresses that have proved a secret (or that are known to be a node's) may
 * connect as often as they like, up to a number at a time that none of them needs. All others are
 * strangers: their connections are few, are over soon, and make room for newer ones when there
 * are too many, so that somebody who comes with an honest greeting always gets a turn. Of
 * strangers no more is remembered than fits into a table of fixed size.
 *
 * @module
 */

import { getLogger } from "../log/log.ts";
import { RepeatLimiter } from "../log/repeat_limiter.ts";
import type { Deadlines, DeadlineTarget } from "../wire/mod.ts";
import { messageOf } from "../log/error_message.ts";
import type { PeerKind } from "./tls_side.ts";
import { type Rate, TokenBucket } from "./token_bucket.ts";

const log = getLogger("admission");

/** Limits of one side. */
export interface AdmissionLimits {
  /** Connections at a time, of everybody together. */
  readonly maxConnections: number;
  /** Connections at a time of one address that is known. */
  readonly maxOfKnownAddress: number;
  /** Connections at a time of all strangers together. */
  readonly maxOfStrangers: number;
  /** Connections at a time of one stranger's address. */
  readonly maxOfStrangersAddress: number;
  /** Connections of one stranger's address, and datagrams of any address. */
  readonly rate: Rate;
  /** Addresses that are remembered without a connection being open. */
  readonly maxRemembered: number;
}

/** Far above what dispy's clients and nodes do, far below what hurts. */
export const ADMISSION_LIMITS: AdmissionLimits = {
  maxConnections: 8192,
  maxOfKnownAddress: 4096,
  maxOfStrangers: 512,
  maxOfStrangersAddress: 64,
  rate: { burst: 1000, perSecond: 100 },
  maxRemembered: 4096,
};

/** A stranger that does wrong goes on doing so; its warning is not repeated within this time. */
export const STRANGER_WARNING_INTERVAL_MS = 10 * 60_000;

/** Addresses cost an attacker little, so warnings of all of them together are limited, too. */
export const MAX_STRANGER_WARNINGS = 100;

/** What an {@linkcode Admission} is made with. */
export interface AdmissionOptions {
  /** Which side it is for, in the log. */
  readonly peers: PeerKind;
  /** Whether the address is known without having proved anything here. */
  readonly isKnown: (address: string) => boolean;
  readonly deadlines: Deadlines;
  /** How long a stranger's connection may take in all until it has proved who it is. */
  readonly timeoutMs: number;
  readonly limits?: AdmissionLimits;
  /** The time in milliseconds; only differences count. */
  readonly nowMs?: () => number;
}

/** What is remembered of an address, or of a network of strangers with IPv6. */
interface Peer {
  readonly key: string;
  /** Connections that may be closed to make room, oldest first. */
  readonly waiting: Set<Guest>;
  open: number;
  connections: TokenBucket | null;
  datagrams: TokenBucket | null;
}

/** A connection that was let in. */
export class Guest implements DeadlineTarget {
  #left = false;

  /** Made by {@linkcode Admission.admit}. */
  constructor(
    private readonly admission: Admission,
    readonly address: string,
    /** Whether the address was known when the connection came. */
    readonly isKnown: boolean,
    private readonly close: () => void,
  ) {}

  /** What the connection is for is clear now: it is no longer closed to make room for others. */
  stay(): void {
    this.admission.onStay(this);
  }

  /** The peer has proved the secret: its address is known from now on. */
  proved(): void {
    this.admission.onProved(this);
  }

  /** The connection is over. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.admission.onLeave(this);
  }

  /** Called when its time is up, or another takes its place. */
  onDeadline(): void {
    this.leave();
    try {
      this.close();
    } catch (error) {
      log.debug("connection was closed already", { reason: messageOf(error) });
    }
  }
}

/** See the module's description. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #limits: AdmissionLimits;
  readonly #nowMs: () => number;
  readonly #warnings = new RepeatLimiter(log, {
    intervalMs: STRANGER_WARNING_INTERVAL_MS,
    maxPerInterval: MAX_STRANGER_WARNINGS,
  });
  /** The one that was heard of longest ago comes first. */
  readonly #peers = new Map<string, Peer>();
  readonly #peerOf = new Map<Guest, Peer>();
  /** Addresses that have proved the secret, the longest silent one first. */
  readonly #provers = new Set<string>();
  /** Strangers that may be closed to make room, oldest first. */
  readonly #strangers = new Set<Guest>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#limits = options.limits ?? ADMISSION_LIMITS;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Connections that are open. */
  get open(): number {
    return this.#peerOf.size;
  }

  /** Addresses that are remembered. */
  get remembered(): number {
    return this.#peers.size + this.#provers.size;
  }

  /**
   * Lets a connection in, or not.
   *
   * @param close Closes it; called when its time is up or its place is needed.
   * @returns `null` where it is to be closed at once
   */
  admit(address: string, close: () => void): Guest | null {
    const limits = this.#limits;
    const isKnown = this.#provers.has(address) || this.#options.isKnown(address);
    const peer = this.#peer(isKnown ? address : networkOf(address));
    if (!isKnown) {
      const nowMs = this.#nowMs();
      peer.connections ??= new TokenBucket(limits.rate, nowMs);
      if (!peer.connections.take(nowMs)) {
        return this.#turnAway(address, "it connects too often", {
          limit_per_s: limits.rate.perSecond,
        });
      }
    }
    const most = isKnown ? limits.maxOfKnownAddress : limits.maxOfStrangersAddress;
    if (peer.open >= most && !this.#makeRoom(peer.waiting, address, "at its address", most)) {
      return null;
    }
    if (!isKnown && this.#strangers.size >= limits.maxOfStrangers) {
      this.#makeRoom(this.#strangers, address, "of strangers", limits.maxOfStrangers);
    }
    if (
      this.open >= limits.maxConnections &&
      !this.#makeRoom(this.#strangers, address, "in all", limits.maxConnections)
    ) return null;

    const guest = new Guest(this, address, isKnown, close);
    peer.open++;
    peer.waiting.add(guest);
    this.#peerOf.set(guest, peer);
    if (!isKnown) {
      this.#strangers.add(guest);
      this.#options.deadlines.arm(guest, this.#options.timeoutMs);
    }
    return guest;
  }

  /** Whether a datagram is looked at. Its address may be made up, so being known is no help. */
  admitsDatagram(address: string): boolean {
    const peer = this.#peer(networkOf(address));
    const nowMs = this.#nowMs();
    peer.datagrams ??= new TokenBucket(this.#limits.rate, nowMs);
    if (peer.datagrams.take(nowMs)) return true;
    this.#turnAway(address, "it sends too many datagrams", {
      limit_per_s: this.#limits.rate.perSecond,
    });
    return false;
  }

  /** The system is short of connections: closes half of those of strangers, oldest first. */
  closeStrangers(): void {
    let count = Math.ceil(this.#strangers.size / 2);
    for (const guest of this.#strangers) {
      if (count-- === 0) break;
      guest.onDeadline();
    }
  }

  /** Says that a message of a peer was of no use: a line a while for all that an address does. */
  complain(address: string, what: string, reason: string): void {
    this.#warn(networkOf(address), what, { from: address, reason });
  }

  /** See {@linkcode Guest.stay}. */
  onStay(guest: Guest): void {
    this.#strangers.delete(guest);
    this.#peerOf.get(guest)?.waiting.delete(guest);
    if (!guest.isKnown) this.#options.deadlines.disarm(guest);
  }

  /** See {@linkcode Guest.proved}. */
  onProved(guest: Guest): void {
    this.onStay(guest);
    const { address } = guest;
    this.#provers.delete(address);
    this.#provers.add(address);
    if (this.#provers.size <= this.#limits.maxRemembered) return;
    for (const longestSilent of this.#provers) {
      this.#provers.delete(longestSilent);
      break;
    }
  }

  /** See {@linkcode Guest.leave}. */
  onLeave(guest: Guest): void {
    this.onStay(guest);
    const peer = this.#peerOf.get(guest);
    if (peer === undefined) return;
    this.#peerOf.delete(guest);
    peer.open--;
    // Of those that are not limited nothing is worth remembering.
    if (peer.open === 0 && peer.connections === null && peer.datagrams === null) {
      this.#peers.delete(peer.key);
    }
  }

  #peer(key: string): Peer {
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = { key, waiting: new Set(), open: 0, connections: null, datagrams: null };
      this.#forgetSome();
    } else {
      this.#peers.delete(key);
    }
    this.#peers.set(key, peer);
    return peer;
  }

  /** Makes room in the table; peers with open connections, whose number is limited, stay. */
  #forgetSome(): void {
    if (this.#peers.size < this.#limits.maxRemembered) return;
    for (const [key, peer] of this.#peers) {
      if (peer.open > 0) continue;
      this.#peers.delete(key);
      return;
    }
  }

  /** Closes the oldest of `guests`; whether there was one. */
  #makeRoom(guests: Set<Guest>, address: string, where: string, limit: number): boolean {
    for (const oldest of guests) {
      this.#warn(`room ${where}`, `too many connections ${where}; the oldest idle are closed`, {
        from: oldest.address,
        limit,
      });
      oldest.onDeadline();
      return true;
    }
    this.#turnAway(address, `there are too many connections ${where}`, { limit });
    return false;
  }

  #turnAway(address: string, reason: string, details: Record<string, number>): null {
    this.#warn(networkOf(address), "peer turned away", { from: address, reason, ...details });
    return null;
  }

  #warn(key: string, message: string, details: Record<string, unknown>): void {
    this.#warnings.warning(key, message, { side: this.#options.peers, ...details });
  }
}

/**
 * What a stranger's address counts as: IPv6 gives everybody a network of 2^64 addresses, so there
 * it is the network, the first four groups.
 */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail === undefined) return groups.slice(0, 4).join(":");
  const behind = tail === "" ? [] : tail.split(":");
  const zeros = Array(Math.max(0, 8 - groups.length - behind.length)).fill("0");
  return [...groups, ...zeros, ...behind].slice(0, 4).join(":");
}
