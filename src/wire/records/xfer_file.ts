/**
 * `dispy._XferFile`: the name of a file that is about to be sent.
 *
 * @module
 */

import { PyDict, PyGlobal, PyObject, PyTuple } from "../../pickle/mod.ts";
import type { PyValue } from "../../pickle/mod.ts";
import { WireError } from "../errors.ts";
import {
  asSafeInt,
  numberWithin,
  optionalInt,
  optionalNumber,
  requireString,
  requireValue,
  toOptionalInt,
} from "../fields.ts";
import { addExtra, dispyAttributes, dispyClass, extraAttributes, instanceOf } from "./instance.ts";

/** What dispy uses of Python's `os.stat_result`. */
export interface FileStat {
  /** `st_size`. */
  readonly sizeBytes: number;
  /** `st_mode`: type and permission bits. */
  readonly mode: number;
  /** `st_atime`: last access, seconds since 1970. */
  readonly atimeS: number;
  /** `st_mtime`: last change, seconds since 1970. */
  readonly mtimeS: number;
  /** The object as received, which is what {@linkcode encodeFileStat} writes; `null` if made here. */
  readonly original: PyObject | null;
}

/** A `dispy._XferFile`. */
export interface XferFile {
  /** Path of the file at its sender, with the sender's {@linkcode sep}. Never to be trusted. */
  readonly name: string;
  /** Folder for the file below the computation's own, with the sender's {@linkcode sep}. */
  readonly destPath: string;
  /** The computation that the file belongs to; `null` in files that jobs send to clients. */
  readonly computeId: number | null;
  readonly stat: FileStat;
  /** What separates folders on the sender's machine: "/" or "\\". */
  readonly sep: string;
  /** Attributes that this program does not know. */
  readonly extra: PyDict | null;
}

const STAT_CLASS = new PyGlobal("os", "stat_result");
const STAT_MAKER = "os.stat_result";
/** How Python 3 makes one, and how Python 2 does; Python 2 understands both. */
const STAT_MAKERS: ReadonlySet<string> = new Set([STAT_MAKER, "os._make_stat_result"]);
const STAT_FIELDS = 10;
const STAT_MODE = 0;
const STAT_SIZE = 6;
const STAT_ATIME = 7;
const STAT_MTIME = 8;

/**
 * Reads an `os.stat_result`: a tuple of whole numbers, and a dict that repeats the times with
 * their fractions.
 *
 * @throws {WireError} `malformed`
 */
export function decodeFileStat(value: PyValue): FileStat {
  const what = "stat_result";
  if (!(value instanceof PyObject) || !STAT_MAKERS.has(value.className)) {
    throw new WireError("malformed", "expected an instance of os.stat_result");
  }
  const { construction } = value;
  const args = construction.kind === "inst"
    ? construction.args
    : construction.args instanceof PyTuple
    ? construction.args.items
    : [];
  const [tuple, named] = args;
  const numbers = tuple instanceof PyTuple ? tuple.items : [];
  if (numbers.length < STAT_FIELDS) {
    throw new WireError("malformed", `${what}: must have ${STAT_FIELDS} numbers`);
  }
  const whole = (index: number, field: string): number => {
    const int = asSafeInt(numbers[index]);
    if (int === undefined) {
      throw new WireError("malformed", `${what}: ${field} must be an integer of at most 53 bits`);
    }
    return numberWithin(int, field, what);
  };
  const sizeBytes = whole(STAT_SIZE, "st_size");
  const fractions = named instanceof PyDict ? named : new PyDict();
  return {
    sizeBytes,
    mode: whole(STAT_MODE, "st_mode"),
    atimeS: optionalNumber(fractions, "st_atime", what) ?? whole(STAT_ATIME, "st_atime"),
    mtimeS: optionalNumber(fractions, "st_mtime", what) ?? whole(STAT_MTIME, "st_mtime"),
    original: value.className === STAT_MAKER ? value : statResult(new PyTuple(numbers), fractions),
  };
}

/** An `os.stat_result`: the one received, or one that knows only what {@linkcode FileStat} says. */
export function encodeFileStat(stat: FileStat): PyObject {
  if (stat.original !== null) return stat.original;
  const numbers: PyValue[] = new Array(STAT_FIELDS).fill(0n);
  numbers[STAT_MODE] = BigInt(stat.mode);
  numbers[STAT_SIZE] = BigInt(stat.sizeBytes);
  numbers[STAT_ATIME] = BigInt(Math.floor(stat.atimeS));
  numbers[STAT_MTIME] = BigInt(Math.floor(stat.mtimeS));
  const fractions = PyDict.from({ st_atime: stat.atimeS, st_mtime: stat.mtimeS });
  return statResult(new PyTuple(numbers), fractions);
}

function statResult(numbers: PyTuple, named: PyDict): PyObject {
  const args = new PyTuple([numbers, named]);
  return new PyObject({ kind: "reduce", callable: STAT_CLASS, args });
}

const CLASS = dispyClass("_XferFile");
const KNOWN: ReadonlySet<PyValue> = new Set([
  "name",
  "dest_path",
  "compute_id",
  "stat_buf",
  "sep",
]);

/**
 * Reads a `dispy._XferFile`.
 *
 * @throws {WireError} `malformed`
 */
export function decodeXferFile(value: PyValue): XferFile {
  const what = "_XferFile";
  const attributes = dispyAttributes(value, what);
  return {
    name: requireString(attributes, "name", what),
    destPath: requireString(attributes, "dest_path", what),
    computeId: optionalInt(attributes, "compute_id", what),
    stat: decodeFileStat(requireValue(attributes, "stat_buf", what)),
    sep: requireString(attributes, "sep", what),
    extra: extraAttributes(attributes, KNOWN),
  };
}

/** A `dispy._XferFile`. */
export function encodeXferFile(file: XferFile): PyObject {
  return instanceOf(
    CLASS,
    addExtra(
      PyDict.from({
        name: file.name,
        dest_path: file.destPath,
        compute_id: toOptionalInt(file.computeId),
        stat_buf: encodeFileStat(file.stat),
        sep: file.sep,
      }),
      file.extra,
    ),
  );
}
