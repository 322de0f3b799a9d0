/**
 * Whose certificate is taken: exactly the configured one, or one that an authority in the
 * configured file has signed. dispy's peers do the same (`ca_certs` is their own certificate file,
 * and names are not checked).
 *
 * `node:tls` alone would trust too much: public authorities stay trusted beside those that it is
 * given, and for a certificate of X.509 version 1 it does not check that the peer has the key.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;

/** Certificates between a peer's own and one of ours, at most. */
const MAX_INTERMEDIATES = 8;

/** Accepted certificates that are remembered. */
const MAX_REMEMBERED = 1000;

/** Curves that TLS takes here. */
const CURVES: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

/** DER: a sequence, the part of a certificate that says its version. */
const SEQUENCE_TAG = 0x30;
const VERSION_TAG = 0xa0;
/** The number 2 stands for version 3. */
const VERSION_3 = 2;

/** A peer's certificate as a handshake has brought it. */
export interface PeerCertificate {
  /** Its `issuerCertificate` is what the peer has sent along. */
  readonly certificate: X509Certificate;
  /** TLS itself found a way from it to a certificate that it trusts. */
  readonly verified: boolean;
}

/** The certificates of one configured file. */
export class Trust {
  /** The certificates of the file, the own one first. */
  readonly #certificates: readonly X509Certificate[];
  /** By fingerprint: when certificates that an authority in the file has signed run out. */
  readonly #accepted = new Map<string, number>();

  /**
   * @param pem The certificates, the own one first.
   * @throws where one of them cannot be read
   */
  constructor(pem: string) {
    this.#certificates = (pem.match(CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
  }

  /** Why the own certificate is of no use, in words that follow "it", or `null`. */
  fault(): string | null {
    const [own] = this.#certificates;
    if (own === undefined) return "holds no certificate";
    if (!isVersion3(own)) {
      return "is an X.509 certificate of version 1, with which a peer could not be told from an " +
        "impostor; make one of version 3 (openssl req -x509)";
    }
    const { asymmetricKeyType: type, asymmetricKeyDetails } = own.publicKey;
    const curve = asymmetricKeyDetails?.namedCurve;
    if (type === "rsa" || type === "ed25519" || (type === "ec" && CURVES.includes(curve ?? ""))) {
      return null;
    }
    return `has a key of a kind that is not supported (${[type, curve].filter(Boolean).join(" ")}` +
      `); use RSA of 2048 bits or more, or EC with ${CURVES[0]}`;
  }

  /** Why peers will not take the own certificate, in words that follow "it", or `null`. */
  warning(nowMs: number): string | null {
    const [own] = this.#certificates;
    if (own === undefined) return null;
    const timing = timeProblem(own, nowMs);
    if (timing !== null) return `${timing}; make a new one, here and at the peers`;
    if (this.#path(own, this.#certificates, nowMs)) return null;
    return "is signed by an authority whose certificate is not in the file; append it";
  }

  /** Why a peer's certificate is not taken, in words that follow "it", or `null`. */
  problem({ certificate, verified }: PeerCertificate, nowMs: number): string | null {
    const timing = timeProblem(certificate, nowMs);
    if (timing !== null) return `shows a certificate that ${timing}`;
    const isOurs = this.#certificates.some((each) => each.raw.equals(certificate.raw));
    if (!verified || !isVersion3(certificate)) {
      return isOurs ? "shows the certificate without that of its authority" : other(certificate);
    }
    if (isOurs) return null;
    const validTo = this.#accepted.get(certificate.fingerprint256);
    if (validTo !== undefined && nowMs <= validTo) return null;
    if (!this.#path(certificate, chainOf(certificate), nowMs)) return other(certificate);
    if (this.#accepted.size >= MAX_REMEMBERED) this.#accepted.clear();
    this.#accepted.set(certificate.fingerprint256, certificate.validToDate.getTime());
    return null;
  }

  /** Whether signatures lead from `start` over `others` to an authority of our file. */
  #path(start: X509Certificate, others: readonly X509Certificate[], nowMs: number): boolean {
    let current = start;
    for (let step = 0; step <= MAX_INTERMEDIATES; step++) {
      const isIssuer = (each: X509Certificate) =>
        each.ca && timeProblem(each, nowMs) === null && current.checkIssued(each) &&
        current.verify(each.publicKey);
      if (this.#certificates.some(isIssuer)) return true;
      // A certificate of our file that signed itself without being an authority.
      if (current === start && isSelfSigned(start)) return this.#certificates.includes(start);
      const next = others.find((each) => each !== current && isIssuer(each));
      if (next === undefined) return false;
      current = next;
    }
    return false;
  }
}

function chainOf(certificate: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = certificate.issuerCertificate;
  while (next !== undefined && chain.length < MAX_INTERMEDIATES) {
    chain.push(next);
    if (next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return chain;
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
}

function timeProblem({ validFromDate, validToDate }: X509Certificate, nowMs: number) {
  if (nowMs > validToDate.getTime()) return `has run out at ${validToDate.toISOString()}`;
  if (nowMs < validFromDate.getTime()) return `counts only from ${validFromDate.toISOString()} on`;
  return null;
}

function other({ fingerprint256 }: X509Certificate): string {
  return `shows another certificate (SHA-256 ${fingerprint256.slice(0, 23)}…)`;
}

/** Whether a certificate is of version 3: only with those TLS checks that the peer has the key. */
function isVersion3({ raw }: X509Certificate): boolean {
  const inCertificate = contentOf(raw, SEQUENCE_TAG);
  const inSigned = inCertificate === null ? null : contentOf(inCertificate, SEQUENCE_TAG);
  const version = inSigned === null ? null : contentOf(inSigned, VERSION_TAG);
  // An integer of one byte.
  return version !== null && version[0] === 0x02 && version[1] === 1 && version[2] === VERSION_3;
}

/** What follows tag and length of a DER value, or `null` where another tag stands there. */
function contentOf(der: Uint8Array, tag: number): Uint8Array | null {
  const length = der[1];
  if (der[0] !== tag || length === undefined) return null;
  return der.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f));
}
