import { assertEquals } from "@std/assert/equals.js";
import { PyDict, PyGlobal, PyTuple, type PyValue } from "../../../src/pickle/mod.ts";

Deno.test("numbers equal in Python are one key, whatever their type", () => {
  const dict = new PyDict().set(1n, "int").set(1, "float").set(true, "bool");
  assertEquals([...dict], [[1n, "bool"]]);
  assertEquals(dict.get(1), "bool");
  assertEquals(new PyDict().set(0n, 0n).set(-0, 1n).set(false, 2n).size, 1);
  assertEquals(new PyDict().set(2n ** 60n, 0n).has(2 ** 60), true);
  assertEquals(new PyDict().set(2n ** 53n, 0n).has(2n ** 53n + 1n), false);
  assertEquals(new PyDict().set(1.5, 0n).has(1n), false);
  assertEquals(new PyDict().set(Infinity, 0n).has(-Infinity), false);
});

Deno.test("text, bytes and numbers of the same look are different keys", () => {
  const keys: PyValue[] = ["1", 1n, new Uint8Array([0x31]), null, "", new Uint8Array(0), "None"];
  const nuls: PyValue[] = ["\0", "\0s", "\0b1", "\0s\0", "\0i1", new Uint8Array([0]), 16n ** 40n];
  const dict = new PyDict();
  for (const key of [...keys, ...nuls, "\0i1" + "0".repeat(40)]) dict.set(key, key);
  assertEquals(dict.size, keys.length + nuls.length + 1);
  for (const [key, value] of dict) assertEquals(dict.get(key), value);
});

Deno.test("equal bytes are one key, values with identity are keys by identity", () => {
  const dict = new PyDict().set(new Uint8Array([1, 2]), "a");
  assertEquals(dict.get(new Uint8Array([1, 2])), "a");
  const tuple = new PyTuple([1n]);
  dict.set(tuple, "b");
  assertEquals(dict.get(tuple), "b");
  assertEquals(dict.get(new PyTuple([1n])), undefined);
  assertEquals(dict.has(new PyGlobal("m", "n")), false);
});

Deno.test("each NaN is a key of its own", () => {
  const dict = new PyDict().set(NaN, 1n).set(NaN, 2n);
  assertEquals(dict.size, 2);
  assertEquals(dict.has(NaN), false);
});

Deno.test("entries keep the order in which their keys came", () => {
  const dict = PyDict.from({ z: 1n, a: 2n, m: 3n });
  dict.set("z", 4n);
  dict.delete("a");
  dict.set("a", 5n);
  assertEquals([...dict], [["z", 4n], ["m", 3n], ["a", 5n]]);
});

Deno.test("an empty dict behaves as one", () => {
  const dict = new PyDict();
  assertEquals([...dict], []);
  assertEquals(dict.size, 0);
  assertEquals(dict.get("a"), undefined);
  assertEquals(dict.delete("a"), false);
});
