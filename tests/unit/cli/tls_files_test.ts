import { assertEquals } from "@std/assert/equals.js";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { ALL_AVAILABLE, FakeEnvironment } from "./fake_environment.ts";
import {
  EC_CERTIFICATE,
  EC_KEY,
  EC_KEY_ENCRYPTED,
  EC_KEY_SEC1,
  OTHER_CERTIFICATE,
  OTHER_KEY,
  RSA_CERTIFICATE,
  RSA_KEY_PKCS1,
} from "./testdata/tls.ts";

const FILES: Record<string, string | Error> = {
  "ec.crt": EC_CERTIFICATE,
  "ec.key": EC_KEY,
  "ec.sec1": EC_KEY_SEC1,
  "ec.enc": EC_KEY_ENCRYPTED,
  "both.pem": `some words\n${EC_KEY}${EC_CERTIFICATE}${OTHER_CERTIFICATE}`,
  "other.key": OTHER_KEY,
  "rsa.crt": RSA_CERTIFICATE,
  "rsa.key": RSA_KEY_PKCS1,
  "text": "hello\n",
  "damaged.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  "damaged.key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  "forbidden": new Deno.errors.NotCapable("read"),
};

function parse(line: string) {
  return parseCommandLine(line.split(" "), new FakeEnvironment(FILES), ALL_AVAILABLE);
}

Deno.test("certificate and key that belong together are taken, in all forms of PEM", () => {
  for (
    const [certFile, keyFile, certPem, keyPem] of [
      ["ec.crt", "ec.key", EC_CERTIFICATE, EC_KEY],
      ["ec.crt", "ec.sec1", EC_CERTIFICATE, EC_KEY_SEC1],
      ["rsa.crt", "rsa.key", RSA_CERTIFICATE, RSA_KEY_PKCS1],
    ] as const
  ) {
    const outcome = parse(`--node_certfile ${certFile} --node_keyfile ${keyFile}`);
    assertEquals(outcome.kind === "run" && outcome.config.nodeTls, {
      certFile,
      keyFile,
      certPem,
      keyPem,
    });
    assertEquals(outcome.kind === "run" && outcome.config.clusterTls, null);
  }
});

Deno.test("the key may stand in the certificate file, next to more certificates", () => {
  const outcome = parse("--cluster_certfile both.pem");
  assertEquals(outcome.kind === "run" && outcome.config.clusterTls, {
    certFile: "both.pem",
    keyFile: "both.pem",
    certPem: EC_CERTIFICATE + OTHER_CERTIFICATE,
    keyPem: EC_KEY,
  });
});

const REFUSED: [string, string][] = [
  [
    "--node_keyfile ec.key",
    "--node_keyfile: a key needs its certificate; give --node_certfile as well",
  ],
  [
    "--node_certfile missing --node_keyfile ec.key",
    '--node_certfile: cannot read "missing": there is no such file',
  ],
  [
    "--node_certfile ec.crt --node_keyfile forbidden",
    '--node_keyfile: cannot read "forbidden": Deno was not allowed to; ' +
    "start it with --allow-read=forbidden",
  ],
  [
    "--node_certfile text",
    '--node_certfile: "text" holds no certificate; give a PEM file (-----BEGIN CERTIFICATE-----)',
  ],
  [
    "--cluster_certfile ec.crt",
    '--cluster_certfile: "ec.crt" holds no private key; give the key with --cluster_keyfile',
  ],
  [
    "--cluster_certfile ec.crt --cluster_keyfile text",
    '--cluster_keyfile: "text" holds no private key; give a PEM file (-----BEGIN PRIVATE KEY-----)',
  ],
  [
    "--node_certfile damaged.crt --node_keyfile ec.key",
    '--node_certfile: the certificate in "damaged.crt" is damaged; give a PEM certificate',
  ],
  [
    "--node_certfile ec.crt --node_keyfile damaged.key",
    '--node_keyfile: the key in "damaged.key" is damaged or of an unknown kind; ' +
    "give an RSA or EC key in PEM",
  ],
  [
    "--node_certfile ec.crt --node_keyfile ec.enc",
    '--node_keyfile: the key in "ec.enc" is encrypted; give one without a passphrase',
  ],
  [
    "--node_certfile ec.crt --node_keyfile other.key",
    '--node_keyfile: the key in "other.key" does not belong to the certificate in "ec.crt"; ' +
    "give the key it was made with",
  ],
];

for (const [line, message] of REFUSED) {
  Deno.test(`refused: ${line}`, () => {
    assertEquals(parse(line), { kind: "exit", code: 2, stderr: `dispyscheduler: ${message}\n` });
  });
}
