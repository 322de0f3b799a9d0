import { assertEquals } from "@std/assert/equals.js";
import { exposures } from "../../../src/server/exposure.ts";

const TLS = { certPem: "", keyPem: "" };
const NOTHING = { nodeSecret: "", clusterSecret: "", nodeTls: null, clusterTls: null };
const beginnings = (lines: readonly string[]) => lines.map((line) => line.split(":")[0]);

Deno.test("each side without a secret is a warning, and so is a secret without TLS", () => {
  assertEquals(beginnings(exposures(NOTHING, [])), ["no node secret", "no cluster secret"]);
  const secrets = { ...NOTHING, nodeSecret: "n", clusterSecret: "c" };
  assertEquals(beginnings(exposures(secrets, ["192.0.2.1"])), [
    "node secret, but no TLS",
    "cluster secret, but no TLS",
  ]);
  assertEquals(exposures({ ...secrets, nodeTls: TLS, clusterTls: TLS }, []), []);
  // TLS does not keep anybody out: dispy's peers show no certificate when they connect.
  assertEquals(beginnings(exposures({ ...NOTHING, nodeTls: TLS, clusterTls: TLS }, [])), [
    "no node secret",
    "no cluster secret",
  ]);
});

Deno.test("whoever serves this machine only is not warned", () => {
  assertEquals(exposures(NOTHING, ["127.0.0.1", "::1"]), []);
  assertEquals(exposures(NOTHING, ["127.0.0.1", "192.0.2.1"]).length, 2);
});
