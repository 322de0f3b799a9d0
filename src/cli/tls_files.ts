import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { type CliEnvironment, readOptionFile } from "./environment.ts";
import { UsageError } from "./usage_error.ts";

/** A certificate and its key, checked to belong together. */
export interface TlsFiles {
  readonly certFile: string;
  /** The same as `certFile` when the key stands in there. */
  readonly keyFile: string;
  /** Every certificate of `certFile`, in PEM, the own one first. */
  readonly certPem: string;
  /** The private key in PEM. */
  readonly keyPem: string;
}

/** A file option as given. */
export interface FileOption {
  readonly path: string;
  /** How messages name the option. */
  readonly origin: string;
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[^]*?-----END \1?PRIVATE KEY-----/;

function parseCertificate(pem: string, { path, origin }: FileOption): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new UsageError(
      `${origin}: the certificate in ${JSON.stringify(path)} is damaged; give a PEM certificate`,
    );
  }
}

function parseKey(pem: string, { path, origin }: FileOption): KeyObject {
  if (pem.startsWith("-----BEGIN ENCRYPTED") || pem.includes("Proc-Type: 4,ENCRYPTED")) {
    throw new UsageError(
      `${origin}: the key in ${JSON.stringify(path)} is encrypted; give one without a passphrase`,
    );
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw new UsageError(
      `${origin}: the key in ${JSON.stringify(path)} is damaged or of an unknown kind; ` +
        "give an RSA or EC key in PEM",
    );
  }
}

function belongTogether(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false; // keys of kinds that cannot be compared
  }
}

/**
 * Reads and checks what Python's `ssl` calls certfile and keyfile.
 *
 * @param environment Reads the files.
 * @param cert The certificate file, if given.
 * @param key The key file, if given; without one the key stands in the certificate file.
 * @param certName The long name of the certificate option, for messages.
 * @returns Files and contents, or null when neither is given (no TLS).
 * @throws {UsageError} When a file cannot be read, is no such PEM, or both do not fit together.
 */
export function readTlsFiles(
  environment: CliEnvironment,
  cert: FileOption | null,
  key: FileOption | null,
  certName: string,
): TlsFiles | null {
  if (cert === null) {
    if (key === null) return null;
    throw new UsageError(`${key.origin}: a key needs its certificate; give --${certName} as well`);
  }
  const certText = readOptionFile(environment, cert.path, cert.origin);
  const certificates = certText.match(CERTIFICATES) ?? [];
  const [ownCertificate] = certificates;
  if (ownCertificate === undefined) {
    throw new UsageError(
      `${cert.origin}: ${JSON.stringify(cert.path)} holds no certificate; ` +
        "give a PEM file (-----BEGIN CERTIFICATE-----)",
    );
  }
  const keySource = key ?? cert;
  const keyText = key === null ? certText : readOptionFile(environment, key.path, key.origin);
  const keyPem = PRIVATE_KEY.exec(keyText)?.[0];
  if (keyPem === undefined) {
    throw new UsageError(
      `${keySource.origin}: ${JSON.stringify(keySource.path)} holds no private key; ` +
        (key === null
          ? `give the key with --${certName.replace("cert", "key")}`
          : "give a PEM file (-----BEGIN PRIVATE KEY-----)"),
    );
  }
  if (!belongTogether(parseCertificate(ownCertificate, cert), parseKey(keyPem, keySource))) {
    throw new UsageError(
      `${keySource.origin}: the key in ${JSON.stringify(keySource.path)} does not belong to the ` +
        `certificate in ${JSON.stringify(cert.path)}; give the key it was made with`,
    );
  }
  return {
    certFile: cert.path,
    keyFile: keySource.path,
    certPem: certificates.join("\n") + "\n",
    keyPem: keyPem + "\n",
  };
}
