/**
 * What a node needs to run a job.
 *
 * @module
 */

import type { DispyJob } from "../wire/mod.ts";
import type { ClientFile } from "./file_set.ts";
import type { KeptPayload } from "./kept_payload.ts";

/** The `payload` of the core's jobs. */
export interface JobPayload {
  /** As the client sent it, with the uid that it was given. */
  readonly kept: KeptPayload<DispyJob>;
  /** The files that it brought, still here. */
  readonly files: readonly ClientFile[];
  /** Address of its client, which is charged for it. */
  readonly client: string;
  /** Bytes of arguments that its client is charged for. */
  readonly sizeBytes: number;
}
