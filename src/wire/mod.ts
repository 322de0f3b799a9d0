/**
 * dispy's wire protocol as types: connections that carry messages, and what the messages say.
 *
 * From the bottom up: a {@linkcode ByteStream} is a connection; a {@linkcode MessageStream} puts
 * messages on it, with time limits from {@linkcode Deadlines}; every message has a type, an
 * encoder and a decoder, by direction: `discovery.ts`, `to_node.ts`, `from_node.ts`,
 * `from_client.ts` (answers in `client_answers.ts`), `to_client.ts`; Python's objects in them are
 * the types in `records/`. Files travel as `file_transfer.ts` says. Nothing here opens sockets.
 *
 * @module
 */

export * from "./address.ts";
export * from "./answers.ts";
export * from "./auth.ts";
export * from "./own_auth.ts";
export * from "./byte_stream.ts";
export * from "./client_answers.ts";
export * from "./deadline.ts";
export * from "./dialect.ts";
export * from "./discovery.ts";
export * from "./errors.ts";
export { MAX_NODE_LIST, withoutFieldLimits } from "./field_limits.ts";
export * from "./file_name.ts";
export * from "./file_transfer.ts";
export * from "./framing.ts";
export type { MessageRoom } from "./message_room.ts";
export * from "./from_client.ts";
export * from "./from_node.ts";
export * from "./message_limits.ts";
export * from "./program_file.ts";
export * from "./records/mod.ts";
export * from "./status.ts";
export { ACK, decodePickle, isAck, isPulse, NAK, picklesReadBy, PULSE, tagOf } from "./tags.ts";
export * from "./to_client.ts";
export * from "./to_node.ts";
