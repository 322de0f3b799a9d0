/** TLS with real nodes and clients, on each side separately. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { ensureVenv } from "../../scripts/venv.ts";
import { type Certificate, Certificates, OPENSSL_AVAILABLE } from "../unit/server/certificates.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, SCHEDULER } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** Why there can be no TLS with dispy here, or `null`. */
async function obstacle(): Promise<string | null> {
  if (!OPENSSL_AVAILABLE) return "there is no openssl to make certificates with";
  const venv = await ensureVenv();
  if ("unavailable" in venv) return venv.unavailable;
  const { success } = await new Deno.Command(venv.python, {
    args: ["-c", "import ssl; ssl.wrap_socket"],
    stderr: "null",
  }).output();
  return success ? null : "TLS of dispy 4.15 needs Python 3.11 or older (ssl.wrap_socket)";
}

const obstacles = await obstacle();

/** As {@linkcode scenario}, where dispy can do TLS at all. */
function tlsScenario(
  name: string,
  limitMs: number,
  steps: (lab: Lab, certificates: Certificates) => Promise<void>,
  referenceFails?: string,
): void {
  if (obstacles !== null) {
    Deno.test({
      name: `[more] ${name}`,
      ignore: Deno.env.get("CI") !== "true",
      fn: () => {
        throw new Error(obstacles);
      },
    });
    return;
  }
  const options = referenceFails === undefined ? {} : { referenceFails };
  scenario(name, { tier: "more", limitMs, ...options }, async (lab) => {
    await using certificates = await Certificates.open();
    await steps(lab, certificates);
  });
}

if (obstacles !== null) console.warn(`TLS scenarios are ignored: ${obstacles}`);

/** The options that name a certificate, with `prefix` before their names. */
function given({ certFile, keyFile }: Certificate, prefix: string): string[] {
  return [`${prefix}certfile`, certFile, `${prefix}keyfile`, keyFile];
}

function warnings(scheduler: LabProcess): string[] {
  return scheduler.lines.filter((line) => /\b(WARN|WARNING|ERROR)\b/.test(line));
}

/**
 * What a node can send over TLS for sure: pycos gives up a message for which the connection has no
 * room at the moment (`_async_sendall` takes `SSLWantWriteError` for a failure).
 */
const LARGEST_OVER_TLS = 256 * 1024;

async function checkJobs(
  lab: Lab,
  clientArgs: string[],
  nodes: string[],
  size = LARGEST_OVER_TLS,
): Promise<void> {
  const { events } = await lab.runClient("tls.py", { args: ["--size", size, ...clientArgs] });
  const jobs = events.filter((line) => line.event === "job");
  equal(jobs.map((job) => [job.size, job.intact, job.words, job.status]), [
    [size, true, ["one", "two", "three"], JobStatus.Finished],
    ...[1, 2, 3].map(() => [10, true, ["one", "two", "three"], JobStatus.Finished]),
  ]);
  for (const job of jobs) ok(nodes.includes(job.node), `${job.node} ran a job`);
}

tlsScenario("nodes with TLS, client without", 60_000, async (lab, certificates) => {
  const certificate = await certificates.selfSigned("ec", true);
  const scheduler = await lab.startScheduler({ args: given(certificate, "--node_") });
  await lab.startNode(1, { args: given(certificate, "--") });
  await checkJobs(lab, [], [lab.node(1)]);
  if (SCHEDULER === "ours") equal(warnings(scheduler), []);
});

tlsScenario("client with TLS, nodes without", 60_000, async (lab, certificates) => {
  const certificate = await certificates.selfSigned("rsa", true);
  const scheduler = await lab.startScheduler({ args: given(certificate, "--cluster_") });
  await lab.startNode(1);
  await checkJobs(lab, given(certificate, "--"), [lab.node(1)], 5 * 1024 * 1024);
  if (SCHEDULER === "ours") equal(warnings(scheduler), []);
});

tlsScenario(
  "TLS on both sides with certificates of different kinds, the key in the certificate's file",
  60_000,
  async (lab, certificates) => {
    const forNodes = await certificates.withKey(await certificates.selfSigned("rsa", true));
    const authority = await certificates.selfSigned("ec", true, "test authority");
    const forClients = await certificates.chain(
      await certificates.signed(authority, "ec"),
      authority,
    );
    const scheduler = await lab.startScheduler({
      args: ["--node_certfile", forNodes.certFile, ...given(forClients, "--cluster_")],
    });
    await lab.startNode(1, { args: ["--certfile", forNodes.certFile] });
    await checkJobs(lab, given(forClients, "--"), [lab.node(1)]);
    if (SCHEDULER === "ours") equal(warnings(scheduler), []);
  },
);
