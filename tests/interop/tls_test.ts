/** TLS with real nodes and clients, on each side separately. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { ensureVenv } from "../../scripts/venv.ts";
import { type Certificate, Certificates, OPENSSL_AVAILABLE } from "../unit/net/certificates.ts";
import { JobStatus } from "./harness/jobs.ts";
import { type Lab, SCHEDULER } from "./harness/lab.ts";
import type { LabProcess } from "./harness/process.ts";
import { scenario } from "./harness/scenario.ts";

/** Why there can be no TLS with dispy here. */
async function obstacle(): Promise<string | undefined> {
  if (!OPENSSL_AVAILABLE) return "there is no openssl to make certificates with";
  const venv = await ensureVenv();
  if ("unavailable" in venv) return venv.unavailable;
  const { success } = await new Deno.Command(venv.python, {
    args: ["-c", "import ssl; ssl.wrap_socket"],
    stderr: "null",
  }).output();
  return success ? undefined : "TLS of dispy 4.15 needs Python 3.11 or older (ssl.wrap_socket)";
}

const unavailable = await obstacle();

/** As {@linkcode scenario}, where dispy can do TLS at all. */
function tlsScenario(
  name: string,
  limitMs: number,
  steps: (lab: Lab, certificates: Certificates) => Promise<void>,
  referenceFails?: string,
): void {
  const options = referenceFails === undefined ? {} : { referenceFails };
  scenario(name, { tier: "more", limitMs, unavailable, ...options }, async (lab) => {
    await using certificates = await Certificates.open();
    await steps(lab, certificates);
  });
}

if (unavailable !== undefined) console.warn(`TLS scenarios are ignored: ${unavailable}`);

/** The options that name a certificate, with `prefix` before their names. */
function given({ certFile, keyFile }: Certificate, prefix: string): string[] {
  return [`${prefix}certfile`, certFile, `${prefix}keyfile`, keyFile];
}

function warnings(scheduler: LabProcess): string[] {
  return scheduler.lines.filter((line) => {
    // A node that is started after the scheduler is away at first.
    return /\b(WARN|WARNING|ERROR)\b/.test(line) && !/given with -n .*; trying again/.test(line);
  });
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
  "a file of 3 MB goes from a job on a node with TLS through the scheduler to its client",
  60_000,
  async (lab, certificates) => {
    const certificate = await certificates.selfSigned("ec", true);
    await lab.startScheduler({ args: given(certificate, "--node_") });
    await lab.startNode(1, { args: given(certificate, "--") });
    const { events } = await lab.runClient("files_back.py", { args: ["relay"] });
    equal(events.map(({ event, same, size }) => [event, same, size]), [
      ["job", undefined, undefined],
      ["small", undefined, undefined],
      ["big", true, undefined],
      ["empty", undefined, 0],
    ]);
  },
);

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

/**
 * Waits until the scheduler has warned: once for each address, as which peers on one machine may come
 * from another than they listen at.
 */
async function oneWarning(lab: Lab, scheduler: LabProcess, expected: RegExp): Promise<void> {
  if (SCHEDULER !== "ours") return;
  await lab.until(`the scheduler warns: ${expected}`, () => warnings(scheduler).length > 0);
  const said = warnings(scheduler);
  for (const warning of said) ok(expected.test(warning), warning);
  const peers = said.map((warning) => /\b(?:node|client|from)=(\S+)/.exec(warning)?.[1] ?? warning);
  equal(peers, [...new Set(peers)], said.join("\n"));
}

for (
  const [what, ours, theirs, expected] of [
    ["another certificate", true, "other", /node=127\.0\.0\.[13] reason="it .*--node_certfile/],
    ["plain text", true, "none", /node=127\.0\.0\.[13] reason="it .*--node_certfile/],
    ["TLS, which the scheduler has not", false, "other", /node=127\.0\.0\.[13] .*speaks TLS/],
  ] as const
) {
  tlsScenario(
    `a node with ${what} is not used, and one warning says so`,
    60_000,
    async (lab, certificates) => {
      const certificate = await certificates.selfSigned("ec", true);
      const other = await certificates.selfSigned("ec", true, "test, another");
      const scheduler = await lab.startScheduler({
        args: ["-n", lab.node(2), ...ours ? given(certificate, "--node_") : []],
      });
      await lab.startNode(1, { args: ours ? given(certificate, "--") : [] });
      await lab.startNode(2, { args: theirs === "other" ? given(other, "--") : [] });
      await checkJobs(lab, [], [lab.node(1)]);
      await oneWarning(lab, scheduler, expected);
      await checkJobs(lab, [], [lab.node(1)]);
      await oneWarning(lab, scheduler, expected);
    },
  );
}

for (
  const { what, ours, expected, referenceFails } of [
    {
      what: "plain text",
      ours: true,
      expected: /client=127\.0\.0\.1 reason="it speaks plain text; .*certfile=/,
      referenceFails: "it serves no client after that",
    },
    {
      what: "TLS, which the scheduler has not,",
      ours: false,
      expected: /client=127\.0\.0\.1 reason="it speaks TLS/,
      referenceFails: "it answers nothing until the time is up",
    },
  ]
) {
  tlsScenario(
    `a client with ${what} is turned away at once, and one warning says so`,
    30_000,
    async (lab, certificates) => {
      const certificate = await certificates.selfSigned("ec", true);
      const [schedulerArgs, goodArgs, badArgs] = ours
        ? [given(certificate, "--cluster_"), given(certificate, "--"), []]
        : [[], [], given(certificate, "--")];
      const scheduler = await lab.startScheduler({ args: schedulerArgs });
      const startedMs = Date.now();
      const client = await lab.startClient("tls.py", { args: badArgs });
      const run = await client.ended();
      equal(run.events.map((line) => line.event), ["refused"], run.output);
      ok(Date.now() - startedMs < 10_000, "it hung");
      await oneWarning(lab, scheduler, expected);
      await lab.startNode(1);
      await checkJobs(lab, goodArgs, [lab.node(1)]);
    },
    referenceFails,
  );
}

tlsScenario(
  "a client with another certificate gets nothing, and the scheduler's log says why",
  30_000,
  async (lab, certificates) => {
    const certificate = await certificates.selfSigned("ec", true);
    const other = await certificates.selfSigned("ec", true, "test, another");
    const scheduler = await lab.startScheduler({ args: given(certificate, "--cluster_") });
    const node = await lab.startNode(1);
    await lab.startClient("tls.py", { args: given(other, "--") });
    if (SCHEDULER === "ours") {
      await lab.until(
        "the scheduler drops the computation",
        () => scheduler.lines.some((line) => line.includes("computation is over")),
      );
      const [mismatch = "", dropped = "", ...more] = warnings(scheduler);
      ok(/client=127\.0\.0\.1 reason="it shows another certificate/.test(mismatch), mismatch);
      ok(dropped.includes("cannot be told that its computation is scheduled"), dropped);
      equal(more, []);
    }
    await checkJobs(lab, given(certificate, "--"), [lab.node(1)]);
    equal(node.lines.filter((line) => /New job id|job started/.test(line)).length, 4);
  },
);

tlsScenario(
  "a node that is there first and has another certificate is told nothing",
  30_000,
  async (lab, certificates) => {
    const certificate = await certificates.selfSigned("ec", true);
    const other = await certificates.selfSigned("ec", true, "test, another");
    const node = await lab.startNode(1, { args: given(other, "--"), knowsScheduler: false });
    const scheduler = await lab.startScheduler({
      args: ["-n", lab.node(1), ...given(certificate, "--node_")],
    });
    if (SCHEDULER === "ours") {
      const refused = /node=127\.0\.0\.2 reason="it shows another certificate/;
      await lab.until("it is refused", () => scheduler.lines.some((line) => refused.test(line)));
    }
    await lab.startNode(2, { args: given(certificate, "--") });
    await checkJobs(lab, [], [lab.node(2)]);
    ok(!node.lines.some((line) => line.includes("New ")), "it was used");
  },
);
