import { assertEquals } from "@std/assert/equals.js";
import { type Loaded, LoadIndex } from "../../../src/core/load_index.ts";
import { Prng } from "../../sim/prng.ts";

class Entry implements Loaded<Entry> {
  next: Entry | null = null;
  previous: Entry | null = null;
  list: object | null = null;
  indexedLoad = 0;
  /** In the model: when it came under its load. */
  since = 0;
  load: number | null = null;
}

Deno.test("the first entry is that of the lowest load which has been there longest", () => {
  const prng = new Prng(2);
  const index = new LoadIndex<Entry>();
  const entries = Array.from({ length: 60 }, () => new Entry());
  for (let step = 1; step < 5_000; step++) {
    const entry = prng.pick(entries);
    if (prng.chance(0.3)) {
      index.delete(entry);
      entry.load = null;
    } else {
      const cpus = prng.int(1, 8);
      const load = prng.int(0, cpus) / cpus;
      index.set(entry, load);
      if (entry.load !== load) entry.since = step;
      entry.load = load;
    }
    const inside = entries.filter(({ load }) => load !== null)
      .sort((a, b) => a.load! - b.load! || a.since - b.since);
    assertEquals(index.size, inside.length);
    assertEquals(index.first() === (inside[0] ?? null), true, `step ${step}`);
    assertEquals(entries.every((each) => index.has(each) === (each.load !== null)), true);
  }
});

Deno.test("an entry of one index is not in another", () => {
  const [one, other] = [new LoadIndex<Entry>(), new LoadIndex<Entry>()];
  const [entry, neighbour] = [new Entry(), new Entry()];
  one.set(entry, 0.5);
  other.set(neighbour, 0.5);
  assertEquals([one.has(entry), other.has(entry)], [true, false]);
  other.delete(entry);
  assertEquals([one.size, other.size, one.first() === entry], [1, 1, true]);
});
