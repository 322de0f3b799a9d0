/** No client is left with a closed connection in place of an answer. */

import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { concat } from "@std/bytes/concat.js";
import { loads, PyDict } from "../../../src/pickle/mod.ts";
import { ClientSide, type ClientSideParts } from "../../../src/server/client_side.ts";
import {
  authCode,
  decodeClientComputeAnswer,
  isAck,
  type MessageStream,
  TooLargeError,
  WireError,
} from "../../../src/wire/mod.ts";
import { Bench, FAMILY, HOST } from "./bench.ts";

const ENCODER = new TextEncoder();

/** What a client is told that sends `message`, with the right secret or another one. */
async function toldTo(
  message: Uint8Array | TooLargeError,
  { knowsSecret = true, skipped = [] as number[] } = {},
): Promise<Uint8Array[]> {
  await using bench = new Bench();
  const told: Uint8Array[] = [];
  const stream = {
    remoteAddr: { hostname: HOST, port: 1 },
    readExactly: () =>
      Promise.resolve(knowsSecret ? bench.context.clusterAuth : authCode("other", "other")),
    readMessage: () =>
      message instanceof TooLargeError ? Promise.reject(message) : Promise.resolve(message),
    skip: (length: number) => Promise.resolve(void skipped.push(length)),
    writeMessage: (...chunks: Uint8Array[]) => Promise.resolve(void told.push(concat(chunks))),
  } as unknown as MessageStream;
  const side = new ClientSide(bench.context, {} as ClientSideParts);
  const guest = { proved: () => {} } as Parameters<typeof side.serve>[2];
  try {
    await side.serve(stream, FAMILY, guest);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
  return told;
}

const garbled = (tag: string) => ENCODER.encode(`${tag}:\u0000 this is no pickle`);

/** Each request that has an answer, with what its clients take for no. */
const ANSWERED: Readonly<Record<string, (answer: Uint8Array) => boolean>> = {
  CLIENT: (answer) => (loads(answer) as PyDict).get("version") !== "4.15.2",
  COMPUTE: (answer) => decodeClientComputeAnswer(answer).kind === "refused",
  FILEXFER: (answer) => loads(answer) === -1n,
  SENDFILE: (answer) => loads(answer) === -1n,
  SCHEDULE: (answer) => !isAck(answer),
  JOB: (answer) => typeof loads(answer) !== "bigint",
  ALLOCATE_NODE: (answer) => loads(answer) === -1n,
  DEALLOCATE_NODE: (answer) => loads(answer) === -1n,
  CLOSE_NODE: (answer) => loads(answer) === -1n,
  SET_NODE_CPUS: (answer) => loads(answer) === -1n,
  NODE_JOBS: (answer) => (loads(answer) as unknown[]).length === 0,
  RESEND_JOB_RESULTS: (answer) => loads(answer) === 0n,
  PENDING_JOBS: (answer) => (loads(answer) as PyDict).get("pending") === 0n,
  RETRIEVE_JOB: (answer) => loads(answer) === null,
};

for (const [tag, isRefusal] of Object.entries(ANSWERED)) {
  Deno.test(`${tag} that cannot be read is answered`, async () => {
    const told = await toldTo(garbled(tag));
    assertEquals(told.length, 1);
    assertEquals(isRefusal(told[0]!), true);
  });

  // Strangers may greet.
  if (tag === "CLIENT") continue;
  Deno.test(`${tag} of a client with another secret is answered`, async () => {
    const told = await toldTo(garbled(tag), { knowsSecret: false });
    assertEquals(told.length, 1);
    assertEquals(isRefusal(told[0]!), true);
  });
}

Deno.test("a refused computation says why", async () => {
  const reason = async (...args: Parameters<typeof toldTo>) => {
    const answer = decodeClientComputeAnswer((await toldTo(...args))[0]!);
    return answer.kind === "refused" ? answer.reason : "";
  };
  assertMatch(await reason(garbled("COMPUTE")), /^the request cannot be read: COMPUTE: /);
  assertMatch(await reason(garbled("COMPUTE"), { knowsSecret: false }), /another cluster secret/);
  const skipped: number[] = [];
  const long = new TooLargeError("message of 50000 bytes; the limit is 16384", 50000, "COMPUTE");
  assertMatch(await reason(long, { skipped }), /the limit is 16384/);
  assertMatch(await reason(long, { knowsSecret: false, skipped }), /another cluster secret/);
  assertEquals(skipped, [50000, 50000]);
});

Deno.test("what is too long by far is not read to its end", async () => {
  const skipped: number[] = [];
  const long = new TooLargeError("too long", 2 ** 31, "COMPUTE");
  assertEquals(await toldTo(long, { skipped }), []);
  assertEquals(await toldTo(long, { knowsSecret: false, skipped }), []);
  assertEquals(skipped, []);
});

Deno.test("what has no answer gets none", async () => {
  for (const tag of ["PULSE", "TERMINATE_JOB", "CLOSE", "NONSENSE"]) {
    assertEquals(await toldTo(garbled(tag)), [], tag);
  }
});
