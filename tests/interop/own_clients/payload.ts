/** What travels with a computation; which part is the first argument. */

import { createHash, randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  pyByteArray,
  pyFloat,
  pyFrozenSet,
  python,
  type PythonInput,
  PythonObject,
  pyTuple,
  SharedJobCluster,
} from "../../../src/client/mod.ts";
import { emit, Nodes, play, report } from "./peer.ts";

async function depends(): Promise<void> {
  await Deno.mkdir("package");
  await Deno.writeTextFile("numbers_module.py", "def times(value):\n    return 6 * value\n");
  await Deno.writeTextFile("package/words.txt", "one two three\n");
  await using cluster = await SharedJobCluster.open({
    computation: python({
      code: `
def doubled(value):
    return 2 * value

class Point(object):
    def __init__(self, x, y):
        self.x, self.y = x, y

def work(value):
    import time
    import numbers_module
    time.sleep(0.03)
    with open('package/words.txt') as fd:
        words = fd.read().split()
    return {'times': numbers_module.times(value), 'doubled': doubled(value), 'words': words,
            'point': Point(value, -value).x}
`,
      name: "work",
      depends: ["numbers_module.py", "package/words.txt"],
    }),
  });
  await report([0, 1, 2, 3].map((value) => cluster.submit([value])));
}

async function jobDepends(): Promise<void> {
  await using cluster = await SharedJobCluster.open({
    computation: python({
      code: `
def tell(path, value):
    import time
    time.sleep(0.03)
    with open(path) as fd:
        text = fd.read()
    return [text, brought(value)]
`,
    }),
  });
  const jobs = await Promise.all(Array.from({ length: 6 }, async (_, number) => {
    const path = `brought-${number}.txt`;
    await Deno.writeTextFile(path, `text ${number}`);
    const code = "def brought(value):\n    return value * 10\n";
    return cluster.submit([path, number], { depends: [path], code });
  }));
  await report(jobs);
}

async function setup(): Promise<void> {
  const trace = Deno.args[1] ?? "";
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({
    computation: python({
      code: `
def prepare(name, trace):
    global prepared
    prepared = 'prepared for ' + name
    with open(trace, 'a') as fd:
        fd.write('setup %s\\n' % name)
    return 0

def tidy(name, trace):
    with open(trace, 'a') as fd:
        fd.write('cleanup %s\\n' % name)

def work(number):
    import time
    time.sleep(0.05)
    return [dispy_node_ip_addr, prepared]
`,
      name: "work",
      setup: "prepare",
      cleanup: "tidy",
    }),
    nodes: [2, 3].map((n) => ({ host: `127.0.0.${n}`, setupArgs: [`n${n}`, `${trace}-${n}`] })),
    onNode: nodes.onNode,
  });
  await nodes.untilReady(2);
  await report(Array.from({ length: 12 }, (_, number) => cluster.submit([number])));
}

async function nodeFile(): Promise<void> {
  for (const n of [2, 3]) await Deno.writeTextFile(`only-${n}.txt`, `${n}`);
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({
    computation: python({
      code: `
def work():
    import os
    import time
    time.sleep(0.03)
    return [dispy_node_ip_addr, sorted(n for n in os.listdir('.') if n.startswith('only-'))]
`,
    }),
    nodes: [2, 3].map((n) => ({ host: `127.0.0.${n}`, depends: [`only-${n}.txt`] })),
    onNode: nodes.onNode,
  });
  await nodes.untilReady(2);
  await report([2, 3].map((n) => cluster.submit([], { node: `127.0.0.${n}` })));
}

async function big(): Promise<void> {
  await using cluster = await SharedJobCluster.open({
    computation: python<[Uint8Array], [string, Uint8Array]>({
      code: `
def echo(data):
    import hashlib
    return [hashlib.sha256(data).hexdigest(), data]
`,
    }),
  });
  const data = randomBytes(50 * 1024 * 1024);
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const [arrived, back] = await cluster.submit([data]).result;
  const expected = sha256(data);
  emit("job", {
    arrived: arrived === expected,
    size: back.length,
    back: sha256(back) === expected,
  });
}

async function text(): Promise<void> {
  await Deno.writeTextFile("дані-ß-日本.txt", "содержание – 内容");
  await using cluster = await SharedJobCluster.open({
    computation: python({
      code: `
def größe(word, fail=False):
    import sys
    import time
    time.sleep(0.03)
    print('вывод', word)
    sys.stderr.write('fehlerß')
    if fail:
        raise ValueError('ошибка 🙈 ' + word)
    with open('дані-ß-日本.txt', encoding='utf-8') as fd:
        return {'файл': fd.read(), 'wort': word + '🙂', 'grüße': [word] * 2}
`,
      depends: ["дані-ß-日本.txt"],
    }),
  });
  await report([
    cluster.submit(["naïve 𝒳"]),
    cluster.submit(["zażółć"], { kwargs: { fail: true } }),
  ]);
  emit("name", { name: cluster.name });
}

async function objects(): Promise<void> {
  await using cluster = await SharedJobCluster.open({
    computation: python<[unknown], PythonObject>({
      code: `
class Order(object):
    def __init__(self, amount):
        self.amount = amount
        self.self = self

def order(before):
    import time
    time.sleep(0.03)
    if before is None:
        return Order(1)
    return Order(before.amount + 1 if before.self is before else -1)
`,
      name: "order",
    }),
  });
  let order: PythonObject | null = null;
  for (let step = 0; step < 3; step++) {
    order = await cluster.submit([order]).result;
    emit("order", { name: order.className, amount: order.attributes["amount"] });
  }
}

async function values(): Promise<void> {
  await using cluster = await SharedJobCluster.open({
    computation: python<PythonInput[], [string[], PythonInput[]]>({
      code: `
def describe(*values):
    import time
    time.sleep(0.03)
    return [['%s %r' % (type(value).__name__, value) for value in values], values]
`,
    }),
  });
  const sent: PythonInput[] = [
    1,
    pyFloat(1),
    1.5,
    2n ** 70n,
    null,
    true,
    "ß",
    Uint8Array.of(1, 255),
    pyByteArray(Uint8Array.of(2)),
    [1, [2]],
    pyTuple(1, "a"),
    { a: 1 },
    new Map([[1, "x"]]),
    new Set([1]),
    pyFrozenSet(["f"]),
    new Date("2026-11-22T12:34:56.789Z"),
  ];
  const [described, back] = await cluster.submit(sent).result;
  emit("described", { described });
  emit("back", {
    same: isDeepStrictEqual(
      back,
      sent.map((value, index) =>
        ({
          1: 1,
          8: Uint8Array.of(2),
          10: [1, "a"],
          14: new Set(["f"]),
        } as Record<number, unknown>)[index] ?? value
      ),
    ),
  });
}

await play({ depends, jobDepends, setup, nodeFile, big, text, objects, values });
