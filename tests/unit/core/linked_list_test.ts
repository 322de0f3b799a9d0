import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { type Linked, LinkedList } from "../../../src/core/linked_list.ts";
import { Prng } from "../../sim/prng.ts";

class Item implements Linked<Item> {
  next: Item | null = null;
  previous: Item | null = null;
  list: object | null = null;
  constructor(readonly key: number) {}
}

function keys(list: LinkedList<Item>): number[] {
  return [...list].map(({ key }) => key);
}

Deno.test("a list does what an array does, whatever is added and removed", () => {
  const prng = new Prng(1);
  const list = new LinkedList<Item>();
  let model: Item[] = [];
  for (let step = 0; step < 3_000; step++) {
    if (model.length > 0 && prng.chance(0.48)) {
      const item = prng.pick(model);
      list.remove(item);
      model = model.filter((other) => other !== item);
      assertEquals([item.next, item.previous, item.list], [null, null, null]);
    } else {
      const item = new Item(prng.int(0, 50));
      list.insert(item, (a, b) => a.key < b.key);
      const at = model.findIndex(({ key }) => item.key < key);
      model.splice(at < 0 ? model.length : at, 0, item);
    }
    assertEquals(list.size, model.length);
    assertEquals(list.first, model[0] ?? null);
    assertEquals(list.last, model.at(-1) ?? null);
    if (step % 50 === 0) {
      assertEquals([...list].every((item, i) => item === model[i]), true);
      const backwards: Item[] = [];
      for (let item = list.last; item !== null; item = item.previous) backwards.unshift(item);
      assertEquals(backwards.every((item, i) => item === model[i]), true);
    }
  }
});

Deno.test("an element can be in one list at most", () => {
  const [one, other] = [new LinkedList<Item>(), new LinkedList<Item>()];
  const item = new Item(1);
  one.push(item);
  assertThrows(() => other.push(item), Error, "in a list already");
  assertThrows(() => one.push(item), Error, "in a list already");
  other.remove(item);
  assertEquals([one.has(item), other.has(item), one.size, other.size], [true, false, 1, 0]);
});

Deno.test("equal elements keep the order in which they were inserted", () => {
  const list = new LinkedList<Item>();
  const items = [new Item(1), new Item(1), new Item(1)];
  for (const item of items) list.insert(item, (a, b) => a.key < b.key);
  assertEquals([...list].every((item, i) => item === items[i]), true);
});

Deno.test("what the iteration has given out may be removed", () => {
  const list = new LinkedList<Item>();
  for (let key = 1; key <= 5; key++) list.push(new Item(key));
  const seen: number[] = [];
  for (const item of list) {
    seen.push(item.key);
    list.remove(item);
  }
  assertEquals([seen, keys(list), list.first, list.last], [[1, 2, 3, 4, 5], [], null, null]);
});
