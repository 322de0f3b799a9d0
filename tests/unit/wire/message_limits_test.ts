/** A message is as long as its tag says it may be, which is seen before memory is spent on it. */

import { assertEquals } from "@std/assert/equals.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { decodeControlRequest, MAX_CONTROL_REQUEST_BYTES } from "../../../src/wire/control.ts";
import {
  Deadlines,
  limitsAt,
  MAX_GREETING_BYTES,
  MESSAGE_BYTES,
  MessageStream,
} from "../../../src/wire/mod.ts";
import { assertWireError } from "./assertions.ts";
import { memoryStreamPair } from "./memory_stream.ts";

/** Longer than that no test makes a message. */
const MAX_MADE = 32 * 1024 * 1024;

/** A message that begins with `tag` and has `length` bytes. */
function messageOf(tag: string, length: number): Uint8Array {
  const message = new Uint8Array(length).fill(0x78);
  message.set(new TextEncoder().encode(`${tag}:`));
  return message;
}

/** Sends so much of a message that is said to have `length` bytes, and reads it. */
async function read(port: keyof typeof MESSAGE_BYTES, message: Uint8Array, length: number) {
  const [mine, peer] = memoryStreamPair();
  const deadlines = new Deadlines(5);
  try {
    const prefix = new Uint8Array(4);
    new DataView(prefix.buffer).setUint32(0, length);
    await peer.write(prefix);
    await peer.write(message);
    peer.close();
    const stream = new MessageStream(mine, { deadlines, timeoutMs: null });
    return await stream.readMessage(limitsAt(port));
  } finally {
    deadlines.stop();
  }
}

/** Tags of messages that hold nothing but marks, names and numbers. */
const SHORT = { fromNode: "PONG", fromClient: "CLOSE", toNode: "JOBS" } as const;

for (const port of Object.keys(MESSAGE_BYTES) as (keyof typeof MESSAGE_BYTES)[]) {
  const limits = {
    ...MESSAGE_BYTES[port],
    [SHORT[port]]: MAX_GREETING_BYTES,
    X: MAX_GREETING_BYTES,
  };
  for (const [tag, maxBytes] of Object.entries(limits) as [string, number][]) {
    Deno.test(`${port}: ${tag} may have ${maxBytes} bytes, and not one more`, async () => {
      const most = Math.min(maxBytes, MAX_MADE);
      assertEquals((await read(port, messageOf(tag, most), most)).length, most);
      const error = await assertWireError(
        "too_large",
        () => read(port, messageOf(tag, 100), maxBytes + 1),
      );
      assertStringIncludes(error.message, `the limit is ${maxBytes}`);
    });
  }
}

Deno.test("a control request beyond its limit is refused with the number", async () => {
  const name = "x".repeat(MAX_CONTROL_REQUEST_BYTES);
  const body = { version: 1, request: "jobs", body: { cluster: name, limit: 1 } };
  const message = new TextEncoder().encode(`DISPYSCHEDULER_CONTROL:${JSON.stringify(body)}`);
  const error = await assertWireError("malformed", () => decodeControlRequest(message));
  assertStringIncludes(error.message, `the limit is ${MAX_CONTROL_REQUEST_BYTES}`);
});
