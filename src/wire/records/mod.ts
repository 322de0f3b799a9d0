/**
 * dispy's own classes as types, each with a decoder and an encoder.
 *
 * @module
 */

export * from "./compute.ts";
export * from "./dispy_job.ts";
export * from "./dispy_node.ts";
export * from "./function_call.ts";
export * from "./job_reply.ts";
export * from "./node_allocate.ts";
export * from "./xfer_file.ts";
