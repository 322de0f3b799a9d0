/** Our own client with secrets and TLS, right and wrong ones. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { Certificates, OPENSSL_AVAILABLE } from "../unit/net/certificates.ts";
import { type Lab, SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient, startOwnClient } from "./own_clients/start.ts";

scenario("own client: the cluster secret lets it in", { tier: "core" }, async (lab) => {
  await lab.startScheduler({ args: ["--cluster_secret", "s3cret"] });
  await lab.startNode(1);
  const args = [JSON.stringify({ secret: "s3cret" })];
  const { events } = await runOwnClient(lab, "many.ts", { args });
  equal(events.filter((line) => line.event === "job").length, 10);
});

scenario(
  "own client: a wrong cluster secret is a WrongSecretError that does not tell it",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler({ args: ["--cluster_secret", "s3cret"] });
    const args = [JSON.stringify({ secret: "wrong-one" })];
    const client = await startOwnClient(lab, "many.ts", { args });
    const { events, output } = await client.ended();
    const [refused] = events;
    equal([refused?.event, refused?.error], ["refused", "WrongSecretError"]);
    match(refused?.message, /--cluster_secret/);
    ok(!(output + refused?.message).includes("wrong-one"), "the secret is told");
  },
);

scenario(
  "own client: without a scheduler there is a SchedulerUnreachableError at once",
  { tier: "core" },
  async (lab) => {
    const { events } = await (await startOwnClient(lab, "many.ts")).ended();
    equal(events.map((line) => line.error), ["SchedulerUnreachableError"]);
    match(events[0]?.message, /127\.0\.0\.1 port 9702.*refused/);
  },
);

const unavailable = OPENSSL_AVAILABLE ? undefined : "there is no openssl to make certificates with";

async function checkJobs(
  lab: Lab,
  options: Record<string, unknown>,
  size: number = 5 * 1024 * 1024,
): Promise<void> {
  const args = [JSON.stringify(options), size];
  const { events } = await runOwnClient(lab, "tls.ts", { args });
  equal(
    events.map(({ size, intact, words, node }) => [size, intact, words, node]),
    [size, 10, 10, 10].map((size) => [
      size,
      true,
      ["one", "two", "three"],
      lab.node(1),
    ]),
  );
}

for (
  const { kind, size, referenceFails } of [
    { kind: "rsa", size: 100_000 },
    {
      kind: "ec",
      size: 5 * 1024 * 1024,
      referenceFails: "in most runs its TLS gives up what the connection has no room for at once",
    },
  ] as const
) {
  scenario(
    `own client: jobs, files and results of ${size} bytes over TLS (${kind}, self-signed)`,
    {
      tier: "core",
      unavailable,
      ...(referenceFails === undefined ? {} : { referenceFails }),
    },
    async (lab) => {
      await using certificates = await Certificates.open();
      const { certFile, keyFile } = await certificates.selfSigned(kind, true);
      await lab.startScheduler({
        args: ["--cluster_certfile", certFile, "--cluster_keyfile", keyFile],
      });
      await lab.startNode(1);
      await checkJobs(lab, { tls: { certFile, keyFile } }, size);
    },
  );
}

scenario(
  "own client: another certificate, plain text for TLS, or TLS for plain text is told as such",
  {
    tier: "core",
    unavailable,
    referenceFails: "it serves no client after one that spoke plain text",
  },
  async (lab) => {
    await using certificates = await Certificates.open();
    const ours = await certificates.selfSigned("ec", true);
    const other = await certificates.selfSigned("ec", true, "test, another");
    const scheduler = await lab.startScheduler({
      args: ["--cluster_certfile", ours.certFile, "--cluster_keyfile", ours.keyFile],
    });
    await lab.startNode(1);
    const refusal = async (options: Record<string, unknown>) => {
      const args = [JSON.stringify(options)];
      const { events } = await (await startOwnClient(lab, "tls.ts", { args })).ended();
      equal(events.map((line) => line.event), ["refused"]);
      return `${events[0]?.error}: ${events[0]?.message}`;
    };
    match(
      await refusal({ tls: { certFile: other.certFile, keyFile: other.keyFile } }),
      /^TlsError: .*(another certificate|handshake|certificate)/,
    );
    match(
      await refusal({}),
      /^(ProtocolError|SchedulerUnreachableError|VersionRefusedError|TlsError): /,
    );
    await checkJobs(lab, { tls: { certFile: ours.certFile, keyFile: ours.keyFile } });
    if (SCHEDULER !== "ours") return;
    scheduler.kill("SIGKILL");
    await scheduler.ended();
    await lab.startScheduler();
    match(
      await refusal({ tls: { certFile: ours.certFile, keyFile: ours.keyFile } }),
      /^TlsError: /,
    );
  },
);
