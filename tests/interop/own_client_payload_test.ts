/** What travels with the computations of our own client. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { scenario } from "./harness/scenario.ts";
import { runOwnClient } from "./own_clients/start.ts";

scenario(
  "own client: a computation's modules, files, functions and classes reach its jobs",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await runOwnClient(lab, "payload.ts", { args: ["depends"] });
    equal(
      events.map((job) => [job.status, job.result]),
      [0, 1, 2, 3].map((n) => ["Finished", {
        times: 6 * n,
        doubled: 2 * n,
        words: ["one", "two", "three"],
        point: n,
      }]),
    );
  },
);

scenario(
  "own client: a job finds the file and the function it brings",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await runOwnClient(lab, "payload.ts", { args: ["jobDepends"] });
    equal(
      events.map((job) => [job.status, job.result]),
      [0, 1, 2, 3, 4, 5].map((n) => ["Finished", [`text ${n}`, 10 * n]]),
    );
  },
);

scenario(
  "own client: setup runs with each node's own arguments, cleanup at the end",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const trace = `${await lab.folder("trace")}/trace`;
    const { events } = await runOwnClient(lab, "payload.ts", { args: ["setup", trace] });
    equal(events.length, 12);
    for (const job of events) {
      equal(job.result, [job.node, `prepared for n${job.node.at(-1)}`]);
    }
    equal([...new Set(events.map((job) => job.node))].sort(), [lab.node(1), lab.node(2)]);
    for (const n of [2, 3]) {
      const wanted = `setup n${n}\ncleanup n${n}\n`;
      await lab.until(
        `cleanup has run on 127.0.0.${n}`,
        async () => await Deno.readTextFile(`${trace}-${n}`) === wanted,
      );
    }
  },
);

scenario(
  "own client: a node gets the files of its own allocation",
  { tier: "more" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNodes(2);
    const { events } = await runOwnClient(lab, "payload.ts", { args: ["nodeFile"] });
    equal(events.map((job) => job.result), [
      [lab.node(1), ["only-2.txt"]],
      [lab.node(2), ["only-3.txt"]],
    ]);
  },
);

scenario(
  "own client: arguments and results of 50 MB arrive whole",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "payload.ts", { args: ["big"] });
    equal(events.map(({ at: _, ...line }) => line), [
      { event: "job", arrived: true, size: 50 * 1024 * 1024, back: true },
    ]);
  },
);

scenario("own client: text beyond ASCII is kept everywhere", { tier: "core" }, async (lab) => {
  await lab.startScheduler();
  await lab.startNode(1);
  const { events } = await runOwnClient(lab, "payload.ts", { args: ["text"] });
  const [good, bad, name] = events;
  ok(good && bad && name);
  equal(good.result, {
    "файл": "содержание – 内容",
    wort: "naïve 𝒳🙂",
    "grüße": ["naïve 𝒳", "naïve 𝒳"],
  });
  equal([good.stdout, good.stderr], ["вывод naïve 𝒳\n", "fehlerß"]);
  equal([bad.status, bad.stdout], ["Terminated", "вывод zażółć\n"]);
  ok(bad.exception.endsWith("ValueError: ошибка 🙈 zażółć\n"), bad.exception);
  equal(name.name, "größe");
});

scenario(
  "own client: an object of a user's class that a job returns is itself again in the next",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "payload.ts", { args: ["objects"] });
    equal(events.map((order) => order.amount), [1, 2, 3]);
    ok(events[0]?.name.endsWith(".Order"), events[0]?.name);
  },
);

scenario(
  "own client: values of every kind are those of Python there, and come back",
  { tier: "core" },
  async (lab) => {
    await lab.startScheduler();
    await lab.startNode(1);
    const { events } = await runOwnClient(lab, "payload.ts", { args: ["values"] });
    equal(events[0]?.described, [
      "int 1",
      "float 1.0",
      "float 1.5",
      `int ${2n ** 70n}`,
      "NoneType None",
      "bool True",
      "str 'ß'",
      "bytes b'\\x01\\xff'",
      "bytearray bytearray(b'\\x02')",
      "list [1, [2]]",
      "tuple (1, 'a')",
      "dict {'a': 1}",
      "dict {1: 'x'}",
      "set {1}",
      "frozenset frozenset({'f'})",
      "datetime datetime.datetime(2026, 11, 22, 12, 34, 56, 789000, tzinfo=datetime.timezone.utc)",
    ]);
    equal(events[1]?.same, true);
  },
);
