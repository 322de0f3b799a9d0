import { X509Certificate } from "node:crypto";
import { assertEquals } from "@std/assert/equals.js";
import { Trust } from "../../../src/net/tls_trust.ts";
import { Certificates, OPENSSL_AVAILABLE } from "./certificates.ts";
import { AUTHORITY_PEM, VERSION1_PEM } from "./version1.ts";

const IGNORE = !OPENSSL_AVAILABLE && Deno.env.get("CI") !== "true";
const DAY_MS = 24 * 60 * 60_000;

function test(name: string, steps: (certificates: Certificates) => Promise<void>): void {
  Deno.test({
    name,
    ignore: IGNORE,
    fn: async () => {
      await using certificates = await Certificates.open();
      await steps(certificates);
    },
  });
}

test("a certificate that has run out, or does not count yet, is not taken", async (certificates) => {
  const root = await certificates.selfSigned("ec", true, "test root");
  const signed = await certificates.signed(root, "ec");
  const trust = new Trust((await certificates.chain(signed, root)).certPem);
  for (const { certPem } of [root, signed]) {
    const peer = { certificate: new X509Certificate(certPem), verified: true };
    assertEquals(trust.problem(peer, Date.now())?.includes("without") ?? false, false);
    const late = trust.problem(peer, Date.now() + 31 * DAY_MS);
    assertEquals(late?.startsWith("shows a certificate that has run out at 20"), true, late ?? "");
    const early = trust.problem(peer, Date.now() - DAY_MS);
    assertEquals(early?.startsWith("shows a certificate that counts only from 20"), true);
  }
  assertEquals(
    trust.warning(Date.now() + 31 * DAY_MS)?.endsWith("make a new one, here and at the peers"),
    true,
  );
});

test("what TLS itself does not trust is not taken, even if it looks like ours", async (certificates) => {
  const own = await certificates.selfSigned("ec", true);
  const trust = new Trust(own.certPem);
  const certificate = new X509Certificate(own.certPem);
  assertEquals(trust.problem({ certificate, verified: true }, Date.now()), null);
  assertEquals(
    trust.problem({ certificate, verified: false }, Date.now()),
    "shows the certificate without that of its authority",
  );
});

test("what TLS trusts, as public authorities signed it, is not taken for that", async (certificates) => {
  const trust = new Trust((await certificates.selfSigned("ec", true)).certPem);
  const other = await certificates.selfSigned("rsa", false, "test, another");
  const certificate = new X509Certificate(other.certPem);
  const problem = trust.problem({ certificate, verified: true }, Date.now());
  assertEquals(problem?.startsWith("shows another certificate (SHA-256 "), true);
});

Deno.test("a certificate of version 1 is not taken, even if our authority has signed it", () => {
  const certificate = new X509Certificate(VERSION1_PEM);
  for (const trusted of [AUTHORITY_PEM, VERSION1_PEM]) {
    const problem = new Trust(trusted).problem({ certificate, verified: true }, Date.now());
    assertEquals(problem === null, false);
  }
});

test("good certificates have neither fault nor warning", async (certificates) => {
  const root = await certificates.selfSigned("rsa", true, "test root");
  const intermediate = await certificates.signed(root, "rsa", true);
  const own = await certificates.signed(intermediate, "ec");
  for (
    const { certPem } of [
      root,
      await certificates.selfSigned("ec", false),
      await certificates.chain(own, intermediate, root),
      await certificates.chain(own, root, intermediate),
    ]
  ) {
    const trust = new Trust(certPem);
    assertEquals([trust.fault(), trust.warning(Date.now())], [null, null]);
  }
  const incomplete = new Trust((await certificates.chain(own, root)).certPem);
  assertEquals(incomplete.warning(Date.now())?.includes("append it"), true);
  assertEquals(new Trust("").fault(), "holds no certificate");
});
