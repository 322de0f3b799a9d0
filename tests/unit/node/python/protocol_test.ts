import { concat } from "@std/bytes/concat.js";
import { assertEquals } from "@std/assert/equals.js";
import {
  frameHeader,
  FrameReader,
  fromJson,
  toJson,
} from "../../../../src/node/python/protocol.ts";

Deno.test("frames come out as they went in, however the stream is cut", () => {
  const frames = [
    { kind: 1, number: 0, payload: new Uint8Array() },
    { kind: 200, number: 2 ** 32 - 1, payload: toJson({ text: "é\udc80" }) },
    { kind: 3, number: 7, payload: new Uint8Array(5000).fill(9) },
  ];
  const stream = concat(frames.flatMap(({ kind, number, payload }) => [
    frameHeader(kind, number, payload.length),
    payload,
  ]));
  for (const step of [1, 2, 8, 9, 10, 4999, stream.length]) {
    const reader = new FrameReader();
    const read = [];
    for (let at = 0; at < stream.length; at += step) {
      read.push(...reader.push(stream.subarray(at, at + step)));
    }
    assertEquals(read, frames);
  }
});

Deno.test("JSON of the harness may hold what is no character", () => {
  assertEquals(fromJson(new TextEncoder().encode('{"text": "\\udc80"}')), { text: "\udc80" });
});
