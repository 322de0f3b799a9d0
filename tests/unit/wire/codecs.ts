import {
  decodeClientRequest,
  decodeDiscovery,
  decodeNodeRequest,
  decodeToClient,
  decodeToNode,
  encodeClientRequest,
  encodeDiscovery,
  encodeNodeRequest,
  encodeToClient,
  encodeToNode,
} from "../../../src/wire/mod.ts";
import type { Direction } from "./fixtures/mod.ts";

/** Reads a message, and gives what it means and how it is written again. */
export type Codec = (message: Uint8Array) => { decoded: { kind: string }; encoded: Uint8Array };

function codec<T extends { kind: string }>(
  decode: (message: Uint8Array) => T,
  encode: (message: T) => Uint8Array[],
): Codec {
  return (message) => {
    const decoded = decode(message);
    return { decoded, encoded: joined(encode(decoded)) };
  };
}

/** The codecs of each direction. */
export const CODECS: Record<Direction, Codec> = {
  discovery: codec(decodeDiscovery, encodeDiscovery),
  to_node: codec(decodeToNode, encodeToNode),
  from_node: codec(decodeNodeRequest, encodeNodeRequest),
  from_client: codec(decodeClientRequest, encodeClientRequest),
  to_client: codec(decodeToClient, encodeToClient),
};

/** One message of its chunks. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
