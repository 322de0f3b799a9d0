/**
 * Certificates for tests, made by the `openssl` program. Nothing else may trust them.
 *
 * @module
 */

/** A certificate file and its key file. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly certPem: string;
  readonly keyPem: string;
}

/** The kinds of keys. */
export type KeyKind = "rsa" | "ec" | "secp256k1";

const KEY_OPTIONS: Record<KeyKind, string[]> = {
  rsa: ["-newkey", "rsa:2048"],
  ec: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
  secp256k1: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
};

/** Whether certificates can be made here. */
export const OPENSSL_AVAILABLE = await (async () => {
  try {
    return (await new Deno.Command("openssl", { args: ["version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
})();

/** Runs openssl; returns what it prints. */
export async function openssl(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args }).output();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Makes certificates in a folder of their own, removed with the object. */
export class Certificates implements AsyncDisposable {
  #count = 0;

  private constructor(readonly dir: string) {}

  static async open(): Promise<Certificates> {
    return new Certificates(await Deno.makeTempDir({ prefix: "test-certificates-" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }

  /** A certificate that signed itself. */
  async selfSigned(key: KeyKind, isAuthority: boolean, name = "test only"): Promise<Certificate> {
    const { certFile, keyFile } = this.#files();
    await openssl(
      ...["req", "-x509", ...KEY_OPTIONS[key], "-nodes", "-keyout", keyFile, "-out", certFile],
      ...["-days", "30", "-subj", `/CN=${name}`],
      // The first is what openssl, and so what most users, have anyway.
      ...isAuthority ? [] : ["-addext", "basicConstraints=CA:FALSE"],
    );
    return await this.#read(certFile, keyFile);
  }

  /** A certificate signed by `issuer`; its file holds no other. */
  async signed(issuer: Certificate, key: KeyKind, isAuthority = false): Promise<Certificate> {
    const { certFile, keyFile } = this.#files();
    const request = `${certFile}.csr`;
    const extensions = `${certFile}.ext`;
    await openssl(
      ...["req", "-new", ...KEY_OPTIONS[key], "-nodes", "-keyout", keyFile, "-out", request],
      ...["-subj", `/CN=test only ${this.#count}`],
    );
    await Deno.writeTextFile(
      extensions,
      `basicConstraints=CA:${isAuthority ? "TRUE" : "FALSE"}\nsubjectAltName=DNS:test.invalid\n`,
    );
    await openssl(
      ...["x509", "-req", "-in", request, "-CA", issuer.certFile, "-CAkey", issuer.keyFile],
      ...["-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", certFile],
    );
    return await this.#read(certFile, keyFile);
  }

  /** A certificate with those of its authorities in one file, as servers have it. */
  async chain(own: Certificate, ...authorities: Certificate[]): Promise<Certificate> {
    const { certFile } = this.#files();
    const pems = [own, ...authorities].map(({ certPem }) => certPem);
    await Deno.writeTextFile(certFile, pems.join(""));
    return await this.#read(certFile, own.keyFile);
  }

  /** A certificate with its key in one file. */
  async withKey(own: Certificate): Promise<Certificate> {
    const { certFile } = this.#files();
    await Deno.writeTextFile(certFile, own.keyPem + own.certPem);
    return { ...own, certFile, keyFile: certFile };
  }

  /** The key of a certificate in another form: PKCS#8 (`pkey`), PKCS#1 (`rsa`), SEC1 (`ec`). */
  async keyAs({ keyFile }: Certificate, type: "pkey" | "rsa" | "ec"): Promise<string> {
    return type === "rsa"
      ? await openssl("rsa", "-in", keyFile, "-traditional")
      : await openssl(type, "-in", keyFile);
  }

  #files(): { certFile: string; keyFile: string } {
    const base = `${this.dir}/${++this.#count}`;
    return { certFile: `${base}.pem`, keyFile: `${base}.key` };
  }

  async #read(certFile: string, keyFile: string): Promise<Certificate> {
    const certPem = await Deno.readTextFile(certFile);
    return { certFile, keyFile, certPem, keyPem: await Deno.readTextFile(keyFile) };
  }
}
