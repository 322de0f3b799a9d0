/**
 * What the parts of a node share.
 *
 * @module
 */

import type { OwnAddresses } from "../net/addresses.ts";
import type { Transport } from "../net/transport.ts";
import type { Containment } from "./containment/containment.ts";
import type { FolderAccess } from "./folder_access.ts";
import type { JobUser } from "./job_user/job_user.ts";
import type { HeldComputations } from "./held_computations.ts";
import type { NodeOptions } from "./options.ts";
import type { OwnAuthSessions } from "./own_auth_sessions.ts";
import type { ProcessMark } from "./process_tree.ts";
import type { JobLanguage } from "./runner.ts";

/** Answers of schedulers may be this long. */
export const MAX_ANSWER_BYTES = 64 * 1024;

/** A scheduler with a wrong secret goes on trying; its warning is not repeated within this time. */
export const SECRET_WARNING_INTERVAL_MS = 10 * 60_000;

/** What the parts of a node share. */
export interface NodeContext {
  readonly options: NodeOptions;
  readonly transport: Transport;
  readonly addresses: OwnAddresses;
  /** Our random mark since our start: schedulers prove their secret with it. */
  readonly sign: string;
  /** What dispy's schedulers prove their secret with. */
  readonly auth: Uint8Array;
  /** What ours do. */
  readonly ownAuth: OwnAuthSessions;
  /** What can be run here; the first that accepts a computation gets it. */
  readonly languages: readonly JobLanguage[];
  /** By which all processes of this node's jobs are found. */
  readonly mark: ProcessMark;
  /** Holds what jobs start. */
  readonly containment: Containment;
  /** Whom jobs run as; `null` = as the node itself. */
  readonly jobUser: JobUser | null;
  /** Handles what is in the folders of computations. */
  readonly access: FolderAccess;
  readonly held: HeldComputations;
}
