import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import {
  confirmFile,
  Deadlines,
  decodeIntAnswer,
  encodeIntAnswer,
  FILE_CHUNK_BYTES,
  MessageStream,
  receiveFile,
  refuseFile,
  relayFile,
  sendFile,
} from "../../../src/wire/mod.ts";
import type { FileSink, FileSource } from "../../../src/wire/mod.ts";
import { assertWireError } from "./assertions.ts";
import { memoryStreamPair } from "./memory_stream.ts";

const SIZES = [
  0,
  1,
  70_000,
  FILE_CHUNK_BYTES - 1,
  FILE_CHUNK_BYTES,
  FILE_CHUNK_BYTES + 1,
  2 * FILE_CHUNK_BYTES,
];

function connect(): [MessageStream, MessageStream] {
  const deadlines = new Deadlines();
  const [a, b] = memoryStreamPair();
  const options = { deadlines, timeoutMs: null };
  return [new MessageStream(a, options), new MessageStream(b, options)];
}

/** A file of `sizeBytes` that tells how large the buffers were into which it was read. */
class Source implements FileSource {
  largestRead = 0;
  #at = 0;

  constructor(readonly sizeBytes: number) {}

  read(buffer: Uint8Array): Promise<number | null> {
    this.largestRead = Math.max(this.largestRead, buffer.length);
    const count = Math.min(buffer.length, this.sizeBytes - this.#at);
    if (count === 0) return Promise.resolve(null);
    for (let i = 0; i < count; i++) buffer[i] = byteAt(this.#at + i);
    this.#at += count;
    return Promise.resolve(count);
  }
}

function byteAt(at: number): number {
  return (at * 7 + (at >> 10)) & 0xff;
}

/** Takes a file, and checks its content. */
class Sink implements FileSink {
  sizeBytes = 0;
  finished = false;
  /** Fails to write once this many bytes are there. */
  capacityBytes = Infinity;
  failFinish = false;

  write(chunk: Uint8Array): Promise<void> {
    if (this.sizeBytes + chunk.length > this.capacityBytes) {
      return Promise.reject(new Error("disk is full"));
    }
    assert(chunk.every((byte, i) => byte === byteAt(this.sizeBytes + i)), "content differs");
    this.sizeBytes += chunk.length;
    return Promise.resolve();
  }

  finish(): Promise<void> {
    if (this.failFinish) return Promise.reject(new Error("no such folder"));
    this.finished = true;
    return Promise.resolve();
  }
}

Deno.test("a chunk is as large as dispy's", () => {
  assertEquals(FILE_CHUNK_BYTES, 1_024_000);
});

for (const sizeBytes of SIZES) {
  Deno.test(`a file of ${sizeBytes} bytes arrives, in constant memory`, async () => {
    const [sender, receiver] = connect();
    const source = new Source(sizeBytes);
    const sink = new Sink();
    const results = await Promise.all([
      sendFile(sender, sizeBytes, source),
      receiveFile(receiver, sizeBytes, sink),
    ]);
    assertEquals(results, [{ transferredBytes: sizeBytes }, { transferredBytes: sizeBytes }]);
    assertEquals([sink.sizeBytes, sink.finished], [sizeBytes, true]);
    assert(source.largestRead <= 64 * 1024);
  });

  Deno.test(`a file of ${sizeBytes} bytes arrives through a relay`, async () => {
    const [sender, relayIn] = connect();
    const [relayOut, receiver] = connect();
    const sink = new Sink();
    await Promise.all([
      sendFile(sender, sizeBytes, new Source(sizeBytes)),
      relayFile(relayIn, relayOut, sizeBytes),
      receiveFile(receiver, sizeBytes, sink),
    ]);
    assertEquals([sink.sizeBytes, sink.finished], [sizeBytes, true]);
  });

  Deno.test(`counts for ${sizeBytes} bytes are those of dispy's own receivers`, async () => {
    const [bare, receiver] = connect();
    const receiving = receiveFile(receiver, sizeBytes, new Sink());
    const counts: number[] = [];
    for (let sent = 0;;) {
      counts.push(decodeIntAnswer(await bare.readMessage(100), "test"));
      if (sent === sizeBytes) break;
      const chunk = new Uint8Array(Math.min(FILE_CHUNK_BYTES, sizeBytes - sent));
      for (let i = 0; i < chunk.length; i++) chunk[i] = byteAt(sent + i);
      await bare.writeRaw(chunk);
      sent += chunk.length;
    }
    await receiving;
    const expected: number[] = [];
    for (let count = 0; count < sizeBytes; count += FILE_CHUNK_BYTES) expected.push(count);
    assertEquals(counts, [...expected, sizeBytes]);
  });
}

Deno.test("a file that the receiver has is not sent", async () => {
  const [sender, relayIn] = connect();
  const [relayOut, receiver] = connect();
  const source = new Source(5000);
  const [sent, relayed] = await Promise.all([
    sendFile(sender, 5000, source),
    relayFile(relayIn, relayOut, 5000),
    confirmFile(receiver, 5000),
  ]);
  assertEquals([sent.transferredBytes, relayed.transferredBytes, source.largestRead], [0, 0, 0]);
});

Deno.test("a refusal ends the transfer, also through a relay", async () => {
  const [sender, relayIn] = connect();
  const [relayOut, receiver] = connect();
  const errors = await Promise.all([
    assertWireError("refused", () => sendFile(sender, 5000, new Source(5000))),
    assertWireError("refused", () => relayFile(relayIn, relayOut, 5000)),
    refuseFile(receiver),
  ]);
  assertEquals(errors[0].message, "the receiver refused the file");
});

Deno.test("a sink that fails in the middle of a chunk refuses the file", async () => {
  const [sender, receiver] = connect();
  const sink = new Sink();
  sink.capacityBytes = 200_000;
  await Promise.all([
    assertWireError("refused", () => sendFile(sender, 3_000_000, new Source(3_000_000))),
    assertRejects(() => receiveFile(receiver, 3_000_000, sink), Error, "disk is full"),
  ]);
  assert(!sink.finished);
});

Deno.test("a refused chunk is read to its end, so that the refusal is not lost in a reset", async () => {
  const [sender, receiver] = connect();
  const sink = new Sink();
  sink.capacityBytes = 0;
  const receiving = assertRejects(
    () => receiveFile(receiver, 300_000, sink),
    Error,
    "disk is full",
  );
  await sender.writeRaw(new Uint8Array(300_000));
  await sender.writeMessage(encodeIntAnswer(7));
  await receiving;
  assertEquals(decodeIntAnswer(await receiver.readMessage(100), "next message"), 7);
});

Deno.test("success is told only after the sink is final", async () => {
  const [sender, receiver] = connect();
  const sink = new Sink();
  sink.failFinish = true;
  await Promise.all([
    assertWireError("refused", () => sendFile(sender, 10, new Source(10))),
    assertRejects(() => receiveFile(receiver, 10, sink), Error, "no such folder"),
  ]);
});

Deno.test("a receiver that goes away makes the relay refuse", async () => {
  const [sender, relayIn] = connect();
  const [relayOut, receiver] = connect();
  receiver.close();
  await Promise.all([
    assertWireError("refused", () => sendFile(sender, 10, new Source(10))),
    assertWireError("closed", () => relayFile(relayIn, relayOut, 10)),
  ]);
});

Deno.test("a sender that goes away in the middle is an error for the receiver", async () => {
  const [sender, receiver] = connect();
  const receiving = assertWireError("closed", () => receiveFile(receiver, 5000, new Sink()));
  await sender.readMessage(100);
  await sender.writeRaw(Uint8Array.of(byteAt(0)));
  sender.close();
  await receiving;
});

Deno.test("a file that has become shorter is an error for its sender", async () => {
  const [sender, receiver] = connect();
  await receiver.writeMessage(encodeIntAnswer(0));
  await assertWireError("refused", () => sendFile(sender, 200_000, new Source(100_000)));
});

Deno.test("a file that has become longer is sent up to its announced size", async () => {
  const [sender, receiver] = connect();
  const sink = new Sink();
  await Promise.all([
    sendFile(sender, 100_000, new Source(200_000)),
    receiveFile(receiver, 100_000, sink),
  ]);
  assertEquals(sink.sizeBytes, 100_000);
});

Deno.test("a count that is neither what was sent nor the size is an error", async () => {
  for (const count of [1, 6000]) {
    const [sender, receiver] = connect();
    await receiver.writeMessage(encodeIntAnswer(count));
    await assertWireError("refused", () => sendFile(sender, 5000, new Source(5000)));
  }
});

for (const passBytes of [1, 500_000, FILE_CHUNK_BYTES, 2_000_000, 2_999_999]) {
  Deno.test(`a relay that passes ${passBytes} bytes on tells the sender that it ended short`, async () => {
    const [sender, relayIn] = connect();
    const [relayOut, receiver] = connect();
    const sink = new Sink();
    const [, { transferredBytes }] = await Promise.all([
      assertWireError("refused", () => sendFile(sender, 3_000_000, new Source(3_000_000))),
      relayFile(relayIn, relayOut, 3_000_000, passBytes),
      receiveFile(receiver, passBytes, sink),
    ]);
    assertEquals([sink.sizeBytes, sink.finished, transferredBytes], [passBytes, true, passBytes]);
  });
}
