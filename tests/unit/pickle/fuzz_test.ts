import { dumps, loads, PickleError, type PyValue } from "../../../src/pickle/mod.ts";
import { Prng } from "../../sim/prng.ts";
import corpus from "./corpus.json" with { type: "json" };

const SEED = 20240229;
const INPUTS = 100_000;

/** Far above what any input takes, so that a busy machine does not matter. */
const MAX_MS = 2000;

Deno.test("of 100,000 broken pickles each is read or refused with a PickleError, in time", () => {
  const pickles = Object.values(corpus).map((base64) => Uint8Array.fromBase64(base64));
  const prng = new Prng(SEED);
  const began = performance.now();
  let read = 0;
  let slowestMs = 0;
  for (let number = 0; number < INPUTS; number++) {
    let bytes: Uint8Array = prng.pick(pickles);
    for (let times = prng.int(1, 3); times > 0; times--) bytes = mutate(bytes, pickles, prng);
    const start = performance.now();
    try {
      if (readAndWrite(bytes)) read++;
    } catch (error) {
      throw new Error(`seed ${SEED}, input ${number}: ${bytes.toBase64()}`, { cause: error });
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `seed ${SEED}: ${INPUTS} inputs in ${seconds} s, ${read} of them read, ` +
      `the slowest in ${slowestMs.toFixed(1)} ms`,
  );
  if (slowestMs > MAX_MS) throw new Error(`an input took ${slowestMs} ms`);
});

/** False if `bytes` is refused; what is not refused must be written and read again. */
function readAndWrite(bytes: Uint8Array): boolean {
  let value: PyValue;
  try {
    value = loads(bytes);
  } catch (error) {
    if (error instanceof PickleError) return false;
    throw error;
  }
  loads(dumps(value));
  return true;
}

function mutate(bytes: Uint8Array, pickles: Uint8Array[], prng: Prng): Uint8Array {
  const at = prng.int(0, bytes.length);
  const copy = bytes.slice();
  switch (prng.int(0, 8)) {
    case 0: // a bit flips
      if (at < copy.length) copy[at]! ^= 1 << prng.int(0, 7);
      return copy;
    case 1: // an opcode becomes another
      copy[at] = prng.pick(OPCODES);
      return copy;
    case 2: // a byte becomes another
      copy[at] = prng.int(0, 255);
      return copy;
    case 3: // the end is missing
      return copy.subarray(0, at);
    case 4: // a length field becomes huge, negative or otherwise wrong
      copy.set(prng.pick(LENGTHS).subarray(0, copy.length - at), at);
      return copy;
    case 5: { // the rest comes from another pickle
      const other = prng.pick(pickles);
      return concat(copy.subarray(0, at), other.subarray(prng.int(0, other.length)));
    }
    case 6: { // a piece of another pickle is put in
      const other = prng.pick(pickles);
      const from = prng.int(0, other.length);
      const piece = other.subarray(from, from + prng.int(1, 20));
      return concat(copy.subarray(0, at), piece, copy.subarray(at));
    }
    case 7: // a piece is there twice
      return concat(copy.subarray(0, at), copy.subarray(Math.max(0, at - prng.int(1, 20))));
    default: // a piece is missing
      return concat(copy.subarray(0, at), copy.subarray(at + prng.int(1, 10)));
  }
}

const OPCODES = [
  ..."(.012FGIJKLMNPQRSTUVXabcdeghijlopqrstu})]BC".split("").map((char) => char.charCodeAt(0)),
  ...Array.from({ length: 0x98 - 0x80 + 1 }, (_, at) => 0x80 + at),
];

const LENGTHS = [
  [0xff],
  [0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 0x80],
  [0, 0, 0, 0x10, 0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0, 0, 0, 0, 0, 0, 0, 0x80],
].map((bytes) => new Uint8Array(bytes));

function concat(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}
