/**
 * How long each text, how large each number and how many items each list of a message may be.
 *
 * The readers in `fields.ts` take no field that is not in this table, so a new field needs a line
 * here before it can be read. The bounds are far above what dispy's peers send, and low enough
 * that nothing that a peer has us remember is large: only what is named a payload has no bound of
 * its own, and is charged by its size (see `src/server/README.md`).
 *
 * @module
 */

/** A `str`. */
export interface TextLimit {
  readonly kind: "text";
  readonly maxChars: number;
}

/** A list of `str`. */
export interface TextsLimit {
  readonly kind: "texts";
  readonly maxItems: number;
  readonly maxChars: number;
}

/** `bytes`. */
export interface BytesLimit {
  readonly kind: "bytes";
  readonly maxBytes: number;
}

/** An `int`. */
export interface IntLimit {
  readonly kind: "int";
  readonly min: number;
  readonly max: number;
}

/** A `float` or `int`. */
export interface NumberLimit {
  readonly kind: "number";
  readonly min: number;
  readonly max: number;
  /** What is out of range counts as the nearest that is not, NaN as 0; else it is refused. */
  readonly isClamped: boolean;
}

/** A list of whatever its reader makes of it. */
export interface ListLimit {
  readonly kind: "list";
  readonly maxItems: number;
}

/** True or false. */
export interface FlagField {
  readonly kind: "flag";
}

/** A record, bounded by its own fields, or a user object, bounded by the message. */
export interface ObjectField {
  readonly kind: "object";
}

/** The bound of a field. */
export type FieldLimit =
  | TextLimit
  | TextsLimit
  | BytesLimit
  | IntLimit
  | NumberLimit
  | ListLimit
  | FlagField
  | ObjectField;

const text = (maxChars: number): TextLimit => ({ kind: "text", maxChars });
const bytes = (maxBytes: number): BytesLimit => ({ kind: "bytes", maxBytes });
const int = (min: number, max: number): IntLimit => ({ kind: "int", min, max });
const list = (maxItems: number): ListLimit => ({ kind: "list", maxItems });
const number = (min: number, max: number): NumberLimit => ({
  ...{ kind: "number", min, max, isClamped: false },
});
const measured = (min: number, max: number): NumberLimit => ({
  ...number(min, max),
  isClamped: true,
});

/** What is bounded by its message alone, and charged to its sender by its size. */
const PAYLOAD_BYTES = 2 ** 31 - 1;

/** A name in the DNS, or an address with a scope. A pattern with what is asked for behind it. */
const ADDRESS = text(512);
/** Random marks and proofs: 40 to 80 letters with dispy. */
const MARK = text(128);
const PROOF = bytes(128);
const VERSION = text(64);
/** A node's name for people. */
const NAME = text(512);
/** As long as systems let paths be. */
const PATH = text(4096);
const SOURCE = text(PAYLOAD_BYTES);
const PAYLOAD = bytes(PAYLOAD_BYTES);
const ID = int(0, Number.MAX_SAFE_INTEGER);
const COUNT = int(0, Number.MAX_SAFE_INTEGER);
const PORT = int(0, 65535);
/** The port of a peer that is connected to. */
const PEER_PORT = int(1, 65535);
const CPUS = int(0, 1_000_000);
/** Where a negative number is all CPUs but that many. */
const WANTED_CPUS = int(-1_000_000, 1_000_000);
const STATUS = int(0, 1000);
/** Seconds from 1970 to the year 9999, on whatever a clock says. */
const TIME_S = measured(0, 253_402_300_799);
/** The same for files, which may be older, and are told apart by it. */
const FILE_TIME_S = number(-1e12, 1e12);
const FILE_MODE = number(0, 2 ** 32 - 1);
const FILE_BYTES = number(0, Number.MAX_SAFE_INTEGER);
const DURATION_S = measured(0, 1e12);
const PERCENT = measured(0, 100);
const BYTES = measured(0, Number.MAX_SAFE_INTEGER);
/** Seconds between two signs of life. */
const PULSE_S = number(0, 1e9);
/** Python had 5 of them in 30 years. */
const PICKLE_PROTOCOL = int(2, 99);
const FLAG: FlagField = { kind: "flag" };
const OBJECT: ObjectField = { kind: "object" };

/** Addresses of one machine. */
const ADDRESSES: TextsLimit = { kind: "texts", maxItems: 64, maxChars: ADDRESS.maxChars };
/** Entries of a client's node list. */
export const MAX_NODE_LIST = 4096;
const NODES = list(MAX_NODE_LIST);
/** Files of a computation or job. */
const FILES = list(65_536);

const COMPUTE_REF = { compute_id: ID, auth: MARK };

/** By message or record, by field. */
export const FIELD_LIMITS = {
  // Between nodes and schedulers.
  PING: {
    version: VERSION,
    sign: MARK,
    port: PEER_PORT,
    ip_addr: ADDRESS,
    ip_addrs: ADDRESSES,
    scheduler_ip_addr: ADDRESS,
    node_ip_addr: ADDRESS,
    pickle_protocol: PICKLE_PROTOCOL,
    own_auth: COUNT,
  },
  PONG: {
    version: VERSION,
    sign: MARK,
    ip_addr: ADDRESS,
    port: PEER_PORT,
    name: NAME,
    cpus: CPUS,
    platform: NAME,
    auth: PROOF,
    scheduler_ip_addr: ADDRESS,
    pickle_protocol: PICKLE_PROTOCOL,
    own_sign: MARK,
    own_nonce: MARK,
    own_code: MARK,
  },
  RELAY_INFO: {
    version: VERSION,
    sign: MARK,
    port: PEER_PORT,
    ip_addrs: ADDRESSES,
    auth: PROOF,
    scheduler_ip_addr: ADDRESS,
  },
  "answer to RELAY_INFO": { sign: MARK, ip_addrs: ADDRESSES, port: PEER_PORT },
  TERMINATED: { ip_addr: ADDRESS, port: PEER_PORT, sign: MARK },
  NODE_CPUS: { ip_addr: ADDRESS, sign: MARK, cpus: CPUS },
  // A node's sign of life, and a client's.
  PULSE: {
    ip_addr: ADDRESS,
    port: PORT,
    cpus: CPUS,
    scheduler_ip_addr: ADDRESS,
    client_ip_addr: ADDRESS,
    client_port: PORT,
  },

  // From clients, some of them to nodes as well.
  CLIENT: { version: VERSION, ip_addr: ADDRESS, scheduler_ip_addr: ADDRESS },
  COMPUTE: {
    compute: OBJECT,
    node_allocs: NODES,
    exclusive: FLAG,
    pickle_protocol: PICKLE_PROTOCOL,
  },
  JOB: { job: OBJECT, node: ADDRESS, auth: MARK },
  SENDFILE: { node: ADDRESS, xf: OBJECT },
  SCHEDULE: COMPUTE_REF,
  TERMINATE_JOB: { ...COMPUTE_REF, uid: ID },
  ALLOCATE_NODE: { ...COMPUTE_REF, node_alloc: NODES },
  DEALLOCATE_NODE: { ...COMPUTE_REF, node: ADDRESS },
  CLOSE_NODE: { ...COMPUTE_REF, node: ADDRESS, terminate_pending: FLAG },
  SET_NODE_CPUS: { ...COMPUTE_REF, node: ADDRESS, cpus: WANTED_CPUS },
  NODE_JOBS: { ...COMPUTE_REF, node: ADDRESS, from_node: FLAG },
  JOBS: COMPUTE_REF,
  RESEND_JOB_RESULTS: COMPUTE_REF,
  PENDING_JOBS: COMPUTE_REF,
  RETRIEVE_JOB: { ...COMPUTE_REF, uid: ID, hash: MARK },
  SETUP: { compute_id: ID },
  CLOSE: { ...COMPUTE_REF, node_ip_addr: ADDRESS, terminate_pending: FLAG, close: FLAG },

  // To clients.
  "answer to CLIENT": { ip_addr: ADDRESS, port: PORT, sign: MARK, version: VERSION },
  "answer to COMPUTE": COMPUTE_REF,
  "answer to PENDING_JOBS": { done: OBJECT, pending: COUNT },
  SCHEDULED: { compute_id: ID, pulse_interval: PULSE_S },
  JOB_STATUS: { uid: ID, hash: MARK, status: STATUS, node: ADDRESS, start_time: TIME_S },
  NODE_STATUS: {
    ...COMPUTE_REF,
    ip_addr: ADDRESS,
    node_cpus: CPUS,
    dispy_node: OBJECT,
    node_auth: PROOF,
    node_port: PORT,
    tx: COUNT,
    rx: COUNT,
  },

  // Records in messages.
  _Compute: {
    type: STATUS,
    name: PATH,
    id: ID,
    code: SOURCE,
    dest_path: PATH,
    xfer_files: FILES,
    reentrant: FLAG,
    exclusive: FLAG,
    setup_args_count: COUNT,
    scheduler_ip_addr: ADDRESS,
    scheduler_port: PORT,
    node_ip_addr: ADDRESS,
    auth: MARK,
    job_result_port: PORT,
    pulse_interval: PULSE_S,
  },
  _DispyJob_: {
    uid: ID,
    hash: MARK,
    compute_id: ID,
    _args: PAYLOAD,
    _kwargs: PAYLOAD,
    xfer_files: FILES,
    code: SOURCE,
  },
  _JobReply: {
    uid: ID,
    hash: MARK,
    ip_addr: ADDRESS,
    status: STATUS,
    result: PAYLOAD,
    start_time: TIME_S,
    end_time: TIME_S,
    cpus: CPUS,
  },
  _XferFile: { name: PATH, dest_path: PATH, compute_id: ID, stat_buf: OBJECT, sep: text(8) },
  stat_result: {
    st_mode: FILE_MODE,
    st_size: FILE_BYTES,
    st_atime: FILE_TIME_S,
    st_mtime: FILE_TIME_S,
  },
  "node allocation": { host: ADDRESS, port: PORT, cpus: WANTED_CPUS, depends: FILES },
  NodeAllocate: {
    ip_addr: ADDRESS,
    ip_rex: text(4 * ADDRESS.maxChars),
    port: PORT,
    cpus: WANTED_CPUS,
    depends: FILES,
  },
  DispyNodeAvailInfo: { cpu: PERCENT, memory: BYTES, disk: BYTES, swap: PERCENT },
  DispyNode: {
    ip_addr: ADDRESS,
    name: NAME,
    cpus: CPUS,
    avail_cpus: CPUS,
    busy: CPUS,
    jobs_done: COUNT,
    cpu_time: DURATION_S,
    tx: COUNT,
    rx: COUNT,
    update_time: TIME_S,
  },

  // What our node keeps on its disk.
  "kept reply": { reply: OBJECT, compute_id: ID, auth: MARK, host: ADDRESS, port: PORT },
} as const satisfies Readonly<Record<string, Readonly<Record<string, FieldLimit>>>>;

/** A message or record of the table. */
export type LimitedName = keyof typeof FIELD_LIMITS;

/** The fields of kind `Kind` of a message or record. */
export type FieldOf<Name extends LimitedName, Kind extends FieldLimit["kind"]> = Name extends
  LimitedName ? KeyOfKind<typeof FIELD_LIMITS[Name], Kind> : never;

type KeyOfKind<Fields, Kind> = Extract<
  { [Field in keyof Fields]: Fields[Field] extends { readonly kind: Kind } ? Field : never }[
    keyof Fields
  ],
  string
>;

let areEnforced = true;

/** The bound of a field, or `undefined` while what was taken before there were bounds is read. */
export function limitOf<Limit extends FieldLimit>(what: string, field: string): Limit | undefined {
  if (!areEnforced) return undefined;
  const limit = (FIELD_LIMITS as Record<string, Record<string, FieldLimit>>)[what]?.[field];
  if (limit === undefined) throw new TypeError(`no limit is declared for ${what}.${field}`);
  return limit as Limit;
}

/**
 * Reads what was accepted already, by this run or one of an earlier version: no bounds but those
 * of its pickle. (A journal in which one text is longer than today's limit is not unusable.)
 */
export function withoutFieldLimits<T>(read: () => T): T {
  const before = areEnforced;
  areEnforced = false;
  try {
    return read();
  } finally {
    areEnforced = before;
  }
}
