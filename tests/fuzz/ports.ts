/**
 * Runs a server in this process and throws broken messages at all of its ports, as a stranger, as
 * a node and as a client that knows the secret. To be run where broadcasts reach nobody:
 *
 *     unshare -n sh -c 'ip link set lo up; deno run -A tests/fuzz/ports.ts --inputs 100000'
 *
 * @module
 */

import { delay } from "@std/async/delay.js";
import { earliestJob } from "../../src/core/mod.ts";
import { configureLogging } from "../../src/log/log.ts";
import { findOwnAddresses } from "../../src/net/addresses.ts";
import { encodeControlRequest } from "../../src/wire/control.ts";
import { JobNode } from "../../src/node/node.ts";
import { Server } from "../../src/server/server.ts";
import { MemoryStore } from "../../src/store/memory_store.ts";
import {
  authCode,
  decodeClientAnswer,
  decodeClientComputeAnswer,
  decodeClientRequest,
  decodeDiscovery,
  encodeClientRequest,
  encodeDiscovery,
  encodeNodeRequest,
  FILLER_AUTH,
} from "../../src/wire/mod.ts";
import { Prng } from "../sim/prng.ts";
import { joined } from "../unit/wire/codecs.ts";
import { messagesOf } from "../unit/wire/fixtures/mod.ts";
import { mutant, mutate } from "./mutate.ts";

const HOST = "127.0.0.1";
const NODE_HOST = "127.0.0.2";
const PORTS = { nodeSide: 9700, node: 9701, clientSide: 9702 };
const AT_ONCE = 16;

/** A connection that is not over by then is stuck. */
const LIMIT_MS = 10_000;

const options = Object.fromEntries(
  (Deno.args.join(" ").match(/--(inputs|seed) \d+/g) ?? []).map((arg) => arg.split(" ")),
);
const inputs = Number(options["--inputs"] ?? 2000);
const seed = Number(options["--seed"] ?? 1);
const prng = new Prng(seed);

const lines: string[] = [];
configureLogging({ level: "info", format: "text", write: (line) => lines.push(line) });

const server = new Server(
  {
    families: [PORTS],
    ipv4Multicast: false,
    nodes: [],
    nodeSecret: "",
    requireOwnAuth: false,
    clusterSecret: "",
    nodeTls: null,
    clusterTls: null,
    policy: earliestJob,
    memoryBudgetBytes: Infinity,
    diskBudgetBytes: Infinity,
    maxJobs: Infinity,
    resultKeepMs: null,
    cooperative: true,
    clusterRules: [],
    cleanupNodes: false,
    pulseIntervalMs: null,
    pingIntervalMs: null,
    zombieIntervalMs: null,
    msgTimeoutMs: 300,
    maxFileSizeBytes: 1 << 20,
    oversize: "truncate",
  },
  new MemoryStore(1 << 26),
  await findOwnAddresses([HOST], [], null),
);
await server.start();
// Without a language, so that no job of broken messages is run.
const node = await JobNode.start(
  {
    name: "node",
    cpus: 4,
    port: PORTS.node,
    schedulerPort: PORTS.nodeSide,
    schedulerHost: null,
    ipv4Multicast: false,
    pingIntervalMs: null,
    msgTimeoutMs: 300,
    secret: "",
    requireOwnAuth: false,
    tls: null,
    serve: null,
    serviceHours: { start: null, stop: null, end: null },
    zombieIntervalMs: null,
    maxFileSizeBytes: 1 << 20,
    forceCleanup: true,
    setupTimeoutMs: null,
    jobTimeoutMs: null,
    jobMemoryBytes: null,
    folder: await Deno.makeTempDir(),
  },
  await findOwnAddresses([NODE_HOST], [], null),
  [],
);

function framed(message: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, message.length);
  return joined([length, message]);
}

/** Sends bytes in pieces; returns what came back until the server closed the connection. */
async function exchange(
  port: number,
  pieces: readonly Uint8Array[],
  hostname = HOST,
): Promise<Uint8Array> {
  const connection = await Deno.connect({ hostname, port });
  const late = setTimeout(() => {
    console.error(`a connection to port ${port} is stuck`);
    Deno.exit(1);
  }, LIMIT_MS);
  const back: Uint8Array[] = [];
  const reading = (async () => {
    const buffer = new Uint8Array(4096);
    for (let count = await connection.read(buffer); count !== null;) {
      back.push(buffer.slice(0, count));
      count = await connection.read(buffer);
    }
  })();
  reading.catch(() => {});
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) at += await connection.write(piece.subarray(at));
    }
    await connection.closeWrite();
    await reading;
  } catch {
    // Refused in the middle: as it should be.
  } finally {
    clearTimeout(late);
    connection.close();
  }
  return joined(back);
}

async function sign(): Promise<string> {
  const greeting = encodeClientRequest({
    kind: "CLIENT",
    version: "4.15.2",
    ipAddr: HOST,
    schedulerIpAddr: HOST,
  });
  const answer = await exchange(PORTS.clientSide, [FILLER_AUTH, framed(joined(greeting))]);
  return decodeClientAnswer(answer.subarray(4)).sign;
}

/** The node's sign, from its answer to a greeting. */
async function signOfNode(): Promise<string> {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  try {
    const greeting = encodeDiscovery({
      kind: "PING",
      from: "scheduler",
      version: "4.15.2",
      sign: "1".repeat(40),
      port: listener.addr.port,
      ipAddrs: [HOST],
      nodeIpAddr: NODE_HOST,
    });
    await exchange(PORTS.node, [FILLER_AUTH, framed(joined(greeting))], NODE_HOST);
    using connection = await listener.accept();
    const message = new Uint8Array(await new Response(connection.readable).arrayBuffer());
    const pong = decodeDiscovery(message.subarray(4));
    if (pong.kind !== "PONG") throw new Error(`the node answers ${pong.kind}`);
    return pong.sign;
  } finally {
    listener.close();
  }
}

/** Makes this address that of a node. */
async function becomeNode(auth: Uint8Array): Promise<void> {
  const pong = encodeNodeRequest({
    kind: "PONG",
    version: "4.15.2",
    sign: "0".repeat(40),
    ipAddr: HOST,
    port: PORTS.node,
    name: "node",
    cpus: 4,
    platform: "fuzz",
    auth,
    availInfo: null,
    schedulerIpAddr: HOST,
  });
  await exchange(PORTS.nodeSide, [framed(joined(pong))]);
}

/** Creates the computation of the messages that we have; what its client then knows. */
async function becomeClient(auth: Uint8Array): Promise<{ computeId: number; auth: string }> {
  const compute = messagesOf("from_client").find((message) =>
    decodeClientRequest(message).kind === "COMPUTE"
  )!;
  const answer = await exchange(PORTS.clientSide, [auth, framed(compute)]);
  const decoded = decodeClientComputeAnswer(answer.subarray(4));
  if (decoded.kind === "refused") throw new Error(decoded.reason);
  return { computeId: decoded.computeId, auth: decoded.auth };
}

/** The message, as the client of a computation sends it. */
function asClient(message: Uint8Array, client: { computeId: number; auth: string }): Uint8Array {
  const request = decodeClientRequest(message);
  const { computeId } = client;
  switch (request.kind) {
    case "JOB": {
      const job = { ...request.job, computeId, xferFiles: [] };
      return joined(encodeClientRequest({ ...request, job, auth: client.auth }));
    }
    case "FILEXFER":
      return joined(encodeClientRequest({ ...request, file: { ...request.file, computeId } }));
    case "CLOSE":
      // What comes behind it would find nothing.
      return message;
    default:
      return "computeId" in request
        ? joined(encodeClientRequest({ ...request, ...client }))
        : message;
  }
}

/** Bytes in up to four pieces. */
function inPieces(bytes: Uint8Array): Uint8Array[] {
  const cuts = Array.from({ length: prng.int(0, 3) }, () => prng.int(0, bytes.length));
  cuts.sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, index) => bytes.subarray(cuts[index - 1] ?? 0, end));
}

/** A good or broken message; also the length and the auth in front of it may be broken. */
function input(pool: readonly Uint8Array[], auth: Uint8Array): Uint8Array {
  const message = prng.chance(0.2) ? prng.pick(pool) : mutant(pool, prng);
  let bytes = joined([auth, framed(message)]);
  if (prng.chance(0.3)) bytes = mutate(bytes, pool, prng);
  if (prng.chance(0.2)) bytes = joined([bytes, framed(mutant(pool, prng))]);
  return bytes;
}

async function throwOne(udp: Deno.DatagramConn, auth: Uint8Array): Promise<void> {
  switch (prng.int(0, 6)) {
    case 0: {
      const datagram = mutant(corpora.toNodePort, prng);
      await udp.send(datagram, { transport: "udp", hostname: HOST, port: PORTS.nodeSide });
      return;
    }
    case 1:
      await exchange(PORTS.nodeSide, inPieces(input(corpora.toNodePort, new Uint8Array(0))));
      return;
    case 2:
      await exchange(PORTS.clientSide, inPieces(input(corpora.toClientPort, FILLER_AUTH)));
      return;
    case 3: {
      const datagram = mutant(corpora.toNode, prng);
      await udp.send(datagram, { transport: "udp", hostname: NODE_HOST, port: PORTS.node });
      return;
    }
    case 4:
      await exchange(PORTS.node, inPieces(input(corpora.toNode, FILLER_AUTH)), NODE_HOST);
      return;
    case 5:
      await exchange(PORTS.node, inPieces(input(corpora.toNode, nodeAuth)), NODE_HOST);
      return;
    default:
      await exchange(PORTS.clientSide, inPieces(input(corpora.toClientPort, auth)));
  }
}

/** Shuts the server down while a peer is connected and says nothing; it must let go of it. */
async function endsWithSilentPeer(): Promise<void> {
  using connection = await Deno.connect({ hostname: HOST, port: PORTS.nodeSide });
  await server.shutdown();
  const end = connection.read(new Uint8Array(1)).then(() => true, () => true);
  if (!await Promise.race([end, delay(LIMIT_MS).then(() => false)])) {
    throw new Error("a server that was shut down holds on to a silent peer");
  }
}

const auth = authCode("", await sign());
const nodeAuth = authCode("", await signOfNode());
const client = await becomeClient(auth);
const corpora = {
  toNodePort: [...messagesOf("from_node"), ...messagesOf("discovery")],
  toClientPort: [
    ...messagesOf("from_client").map((message) => asClient(message, client)),
    encodeControlRequest({ request: "status" }),
  ],
  toNode: [...messagesOf("to_node"), ...messagesOf("discovery")],
};
const udp = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
const began = performance.now();
for (let done = 0; done < inputs; done += AT_ONCE) {
  // In the middle, what is sent to the node port begins to come from a node.
  if (done >= inputs / 2 && done < inputs / 2 + AT_ONCE) await becomeNode(auth);
  await Promise.all(Array.from({ length: AT_ONCE }, () => throwOne(udp, auth)));
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
udp.close();

if (authCode("", await signOfNode()).join() !== nodeAuth.join()) {
  throw new Error("another node answers");
}
await node.shutdown();
const internal = lines.filter((line) => / ERROR /.test(line));
if (internal.length > 0) throw new Error(`seed ${seed}: ${internal.join("\n")}`);
if (authCode("", await sign()).join() !== auth.join()) throw new Error("another server answers");
await endsWithSilentPeer();
console.log(`seed ${seed}: ${inputs} inputs in ${seconds} s, ${lines.length} lines of log`);
Deno.exit(0);
