/** Our own client as an npm package in Node.js. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { Certificates, OPENSSL_AVAILABLE } from "../unit/net/certificates.ts";
import { makePackage } from "../../scripts/npm.ts";
import { Client } from "./harness/client.ts";
import type { Lab } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

const PROGRAM = new URL("./own_clients/node_js.mjs", import.meta.url).pathname;

const NODE_AVAILABLE = await new Deno.Command("node", { args: ["--version"], stdout: "null" })
  .output().then(({ success }) => success, () => false);

async function checkJobs(lab: Lab, args: readonly string[] = []): Promise<void> {
  const folder = await lab.folder("npm");
  await makePackage(new URL(`file://${folder}/`));
  const argv = ["node", PROGRAM, folder, ...args];
  const client = new Client(lab.start("client in Node.js", argv, await lab.folder("client")));
  const { events } = await client.succeeded();
  equal(events, [
    { event: "job", status: "Finished", result: [1, `${2n ** 70n}`, 3_000_000], provisional: 1 },
    { event: "job", status: "Finished", result: [2, `${2n ** 70n}`, 3_000_000], provisional: 2 },
    { event: "job", status: "Terminated", result: "JobFailedError", provisional: 3 },
    { event: "typescript", doubled: [["a", "4"]] },
    { event: "refused", error: "JobClusterUnavailableError" },
  ]);
}

scenario(
  "own client: in Node.js, functions of Python and TypeScript give their results",
  { tier: "core", unavailable: NODE_AVAILABLE ? undefined : "there is no Node.js" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1, { kind: "ours" });
    await checkJobs(lab);
  },
);

scenario(
  "own client: in Node.js, over TLS",
  {
    tier: "more",
    unavailable: !NODE_AVAILABLE
      ? "there is no Node.js"
      : OPENSSL_AVAILABLE
      ? undefined
      : "there is no openssl to make certificates with",
  },
  async (lab) => {
    await using certificates = await Certificates.open();
    const { certFile, keyFile } = await certificates.selfSigned("ec", true);
    await lab.startScheduler({
      args: ["--cluster_certfile", certFile, "--cluster_keyfile", keyFile],
    });
    await lab.startNode(1, { kind: "ours" });
    await checkJobs(lab, [JSON.stringify({ certFile, keyFile })]);
  },
);
