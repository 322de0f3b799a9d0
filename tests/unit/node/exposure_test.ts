import { equal, match } from "node:assert/strict";
import { exposure } from "../../../src/node/exposure.ts";

const TLS = { certPem: "", keyPem: "" };

Deno.test("a node that others reach without a secret or TLS says what to switch on", () => {
  match(exposure({ secret: "", tls: null }, []) ?? "", /--secret_file here/);
  match(exposure({ secret: "", tls: TLS }, ["10.0.0.5"]) ?? "", /--secret_file here/);
  match(exposure({ secret: "hush", tls: null }, ["10.0.0.5"]) ?? "", /--certfile here/);
});

Deno.test("a node that is alone on its machine, or guarded, has nothing to warn of", () => {
  equal(exposure({ secret: "", tls: null }, ["127.0.0.1", "127.0.0.2"]), null);
  equal(exposure({ secret: "hush", tls: TLS }, []), null);
});
