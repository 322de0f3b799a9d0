import { assertEquals } from "@std/assert/equals.js";
import { assert } from "@std/assert/assert.js";
import { authCode } from "../../../src/wire/auth.ts";
import { Deadlines } from "../../../src/wire/deadline.ts";
import { MessageStream } from "../../../src/wire/framing.ts";
import { assertBytes, assertWireError } from "./assertions.ts";
import { memoryStreamPair } from "./memory_stream.ts";
import type { MemoryStream } from "./memory_stream.ts";

const MAX_BYTES = 1_000_000;

/** A message stream whose peer is bare, for a test that decides on every byte. */
function withPeer(timeoutMs: number | null = null): {
  stream: MessageStream;
  mine: MemoryStream;
  peer: MemoryStream;
  deadlines: Deadlines;
} & Disposable {
  const [mine, peer] = memoryStreamPair();
  const deadlines = new Deadlines(5);
  const stream = new MessageStream(mine, { deadlines, timeoutMs });
  // Deadlines do not keep a process alive: connections do, but not those in memory.
  const keepAlive = setInterval(() => {}, 1000);
  const dispose = () => {
    clearInterval(keepAlive);
    deadlines.stop();
  };
  return { stream, mine, peer, deadlines, [Symbol.dispose]: dispose };
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

function framed(body: Uint8Array): Uint8Array {
  const message = new Uint8Array(4 + body.length);
  new DataView(message.buffer).setUint32(0, body.length);
  message.set(body, 4);
  return message;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

async function readAllBytes(peer: MemoryStream): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(1 << 20);
  for (;;) {
    const count = await peer.read(buffer);
    if (count === null) return concat(...parts);
    parts.push(buffer.slice(0, count));
  }
}

Deno.test("messages split or joined at any byte boundary arrive the same", async () => {
  const auth = authCode("secret", "sign");
  const first = pattern(11);
  const second = pattern(300);
  const wire = concat(auth, framed(first), framed(new Uint8Array(0)), framed(second));
  for (let cut = 0; cut <= wire.length; cut++) {
    using ends = withPeer();
    const { stream, peer } = ends;
    await peer.write(wire.subarray(0, cut));
    await peer.write(wire.subarray(cut));
    peer.close();
    assertEquals(await stream.readExactly(40), auth, `cut at ${cut}`);
    assertEquals(await stream.readMessage(MAX_BYTES), first, `cut at ${cut}`);
    assertEquals(await stream.readMessage(MAX_BYTES), new Uint8Array(0), `cut at ${cut}`);
    assertEquals(await stream.readMessage(MAX_BYTES), second, `cut at ${cut}`);
    assertEquals(await stream.readMessage(MAX_BYTES), new Uint8Array(0), `end, cut at ${cut}`);
  }
});

Deno.test("messages that come byte by byte arrive whole", async () => {
  using ends = withPeer();
  const bodies = [pattern(1), pattern(5000), pattern(0), pattern(9000)];
  const wire = concat(...bodies.map(framed));
  for (const byte of wire) await ends.peer.write(Uint8Array.of(byte));
  for (const body of bodies) assertEquals(await ends.stream.readMessage(MAX_BYTES), body);
});

Deno.test("many messages in one read larger than the read buffer are kept apart", async () => {
  using ends = withPeer();
  const bodies = Array.from({ length: 40 }, (_, i) => pattern(100 + i * 37));
  await ends.peer.write(concat(...bodies.map(framed)));
  for (const body of bodies) assertEquals(await ends.stream.readMessage(MAX_BYTES), body);
});

Deno.test("a received message keeps its content while others are read", async () => {
  using ends = withPeer();
  await ends.peer.write(concat(framed(pattern(10)), framed(new Uint8Array(4000))));
  const kept = await ends.stream.readMessage(MAX_BYTES);
  await ends.stream.readMessage(MAX_BYTES);
  using others = withPeer();
  await others.peer.write(framed(new Uint8Array(4000).fill(7)));
  await others.stream.readMessage(MAX_BYTES);
  assertEquals(kept, pattern(10));
  assertEquals(kept.buffer.byteLength, 10, "a kept message holds no more memory than its own");
});

Deno.test("auth, length and body that come together take one read", async () => {
  using ends = withPeer();
  await ends.peer.write(concat(authCode("", "sign"), framed(pattern(600))));
  await ends.stream.readExactly(40);
  await ends.stream.readMessage(MAX_BYTES);
  assertEquals(ends.mine.readSizes.length, 1);
});

Deno.test("a connection closed within a length or a body is an error", async () => {
  const wire = framed(pattern(9000));
  for (const cut of [1, 3, 4, 5, 4095, 4096, 4097, wire.length - 1]) {
    using ends = withPeer();
    await ends.peer.write(wire.subarray(0, cut));
    ends.peer.close();
    await assertWireError("closed", () => ends.stream.readMessage(MAX_BYTES));
  }
});

Deno.test("a connection that is reset, or cut off without a farewell, is a closed one", async () => {
  const { ConnectionReset, BrokenPipe, UnexpectedEof } = Deno.errors;
  for (const ErrorClass of [ConnectionReset, BrokenPipe, UnexpectedEof]) {
    using ends = withPeer();
    ends.mine.readError = new ErrorClass("gone");
    assertEquals(await ends.stream.readMessage(MAX_BYTES), new Uint8Array(0));

    using inLength = withPeer();
    await inLength.peer.write(Uint8Array.of(0, 0));
    const reading = inLength.stream.readMessage(MAX_BYTES);
    inLength.mine.readError = new ErrorClass("gone");
    await assertWireError("closed", () => reading);
  }
});

Deno.test("a message over the limit is refused before memory is spent on it", async () => {
  using ends = withPeer();
  await ends.peer.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3));
  ends.peer.close();
  const error = await assertWireError("too_large", () => ends.stream.readMessage(MAX_BYTES));
  assertEquals(
    error.message,
    "192.0.2.1:9701 announced a message of 4294967295 bytes; the limit is 1000000",
  );
});

Deno.test("a message exactly at the limit is taken", async () => {
  using ends = withPeer();
  await ends.peer.write(framed(pattern(100)));
  assertEquals((await ends.stream.readMessage(100)).length, 100);
});

Deno.test("memory grows with the bytes that came, not with the length announced", async () => {
  using ends = withPeer();
  const reading = ends.stream.readMessage(1 << 30);
  await ends.peer.write(framed(new Uint8Array(0)).fill(0x3f, 0, 1));
  await ends.peer.write(new Uint8Array(60_000));
  ends.peer.close();
  await assertWireError("closed", () => reading);
  const largest = Math.max(...ends.mine.readSizes);
  assert(largest <= 64 * 1024, `a read into ${largest} bytes after 60000 had come`);
});

Deno.test("a large message arrives whole", async () => {
  using ends = withPeer();
  const body = pattern(900_000);
  const reading = ends.stream.readMessage(MAX_BYTES);
  await ends.peer.write(framed(body));
  assertBytes(await reading, body);
});

Deno.test("a message for which there is no room is read later, and its peer is not timed out", async () => {
  using ends = withPeer(20);
  const { stream, peer } = ends;
  const body = pattern(100_000);
  const asked: number[] = [];
  const room = Promise.withResolvers<void>();
  const reading = stream.readMessage(MAX_BYTES, {
    take: (sizeBytes) => {
      asked.push(sizeBytes);
      return room.promise;
    },
  });
  await peer.write(framed(body).subarray(0, 50_000));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals(asked, [body.length]);
  room.resolve();
  await peer.write(framed(body).subarray(50_000));
  assertBytes(await reading, body);
});

Deno.test("a small message goes out in one write with auth and length", async () => {
  using ends = withPeer();
  const auth = authCode("s", "t");
  await ends.stream.writeRequest(auth, pattern(4), pattern(1000), pattern(3));
  assertEquals(ends.mine.writes, [40 + 4 + 1007]);
  ends.stream.close();
  assertEquals(
    await readAllBytes(ends.peer),
    concat(auth, framed(concat(pattern(4), pattern(1000), pattern(3)))),
  );
});

Deno.test("chunks of any size arrive in order and complete, however little a write takes", async () => {
  for (const maxWriteBytes of [7, 5000, Infinity]) {
    using ends = withPeer();
    ends.mine.maxWriteBytes = maxWriteBytes;
    const chunks = [pattern(5), pattern(30_000), pattern(0), pattern(16_000), pattern(900)];
    await ends.stream.writeMessage(...chunks);
    ends.stream.close();
    assertBytes(await readAllBytes(ends.peer), framed(concat(...chunks)));
  }
});

Deno.test("a large chunk is written as it is, and small writes do not wait for it", async () => {
  using ends = withPeer();
  await ends.stream.writeMessage(pattern(5), pattern(500_000), pattern(9));
  assertEquals(ends.mine.writes, [4 + 5, 500_000, 9]);
  assert(ends.mine.noDelay);
});

Deno.test("raw bytes and messages alternate on one connection", async () => {
  using ends = withPeer();
  await ends.peer.write(concat(framed(pattern(3)), pattern(50), framed(pattern(2))));
  assertEquals(await ends.stream.readMessage(MAX_BYTES), pattern(3));
  const raw = new Uint8Array(50);
  assertEquals(await ends.stream.readSome(raw), 50);
  assertEquals(raw, pattern(50));
  assertEquals(await ends.stream.readMessage(MAX_BYTES), pattern(2));
});

Deno.test("a peer that sends nothing, or stops in the middle, is timed out", async () => {
  for (const sent of [0, 2, 20]) {
    using ends = withPeer(10);
    await ends.peer.write(framed(pattern(100)).subarray(0, sent));
    const error = await assertWireError("timeout", () => ends.stream.readMessage(MAX_BYTES));
    assertEquals(error.message, "192.0.2.1:9701 did not answer within 0.01 s");
    assertEquals(ends.mine.closeCalls, 1);
    await assertWireError("timeout", () => ends.stream.readExactly(1000));
  }
});

Deno.test("a peer that sends a small message byte by byte gets no more time for it", async () => {
  using ends = withPeer(30);
  const trickle = setInterval(() => ends.peer.write(Uint8Array.of(0)), 5);
  try {
    await assertWireError("timeout", () => ends.stream.readExactly(4000));
  } finally {
    clearInterval(trickle);
  }
});

Deno.test("a peer that does not read is timed out", async () => {
  using ends = withPeer(10);
  ends.mine.stalled = true;
  await assertWireError("timeout", () => ends.stream.writeMessage(pattern(10)));
});

Deno.test("without a time limit nothing is armed; with one, only while an operation runs", async () => {
  using ends = withPeer(null);
  const reading = ends.stream.readMessage(MAX_BYTES);
  assertEquals(ends.deadlines.size, 0);
  await ends.peer.write(framed(pattern(1)));
  await reading;
  ends.stream.timeoutMs = 1000;
  const second = ends.stream.readMessage(MAX_BYTES);
  assertEquals(ends.deadlines.size, 1);
  await ends.peer.write(framed(pattern(1)));
  await second;
  assertEquals(ends.deadlines.size, 0);
});

Deno.test("close may be called twice, and ends what is under way", async () => {
  using ends = withPeer();
  const reading = ends.stream.readMessage(MAX_BYTES);
  ends.stream.close();
  ends.stream.close();
  assertEquals(ends.mine.closeCalls, 1);
  await assertWireError("closed", () => reading);
  await assertWireError("closed", () => ends.stream.writeMessage(pattern(1)));
});

Deno.test("waitForClose returns when the peer closes, dropping what still comes", async () => {
  using ends = withPeer();
  await ends.peer.write(pattern(5000));
  let done = false;
  const waiting = ends.stream.waitForClose().then(() => done = true);
  await ends.peer.write(pattern(10));
  assert(!done);
  ends.peer.close();
  await waiting;
});

Deno.test("messages pass over a real connection", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using deadlines = Object.assign(new Deadlines(), {
    [Symbol.dispose](this: Deadlines) {
      this.stop();
    },
  });
  const accepting = listener.accept();
  using client = new MessageStream(
    await Deno.connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port }),
    { deadlines, timeoutMs: 5000 },
  );
  using server = new MessageStream(await accepting, { deadlines, timeoutMs: 5000 });
  const body = pattern(2_000_000);
  const [, received] = await Promise.all([
    client.writeRequest(authCode("", ""), body),
    (async () => {
      assertEquals(await server.readExactly(40), authCode("", ""));
      return await server.readMessage(3_000_000);
    })(),
  ]);
  assertBytes(received, body);
  const waiting = server.waitForClose();
  client.close();
  await waiting;
});
