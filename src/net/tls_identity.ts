/**
 * A certificate and its key.
 *
 * @module
 */

/** A certificate to show, and to expect of peers. */
export interface TlsIdentity {
  /** The certificate, and those of its authorities behind it, in PEM. */
  readonly certPem: string;
  /** Its private key in PEM. */
  readonly keyPem: string;
}
