import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { loads, PyTuple } from "../../../../src/pickle/mod.ts";
import { JobStatus } from "../../../../src/wire/mod.ts";
import { NO_PYTHON, withLab } from "./lab.ts";

const { Finished, Terminated } = JobStatus;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `a Python job ${name}`, ignore: NO_PYTHON, fn });
}

test("gets its arguments, and its value comes back as a pickle of the highest protocol", () =>
  withLab("def compute(a, b=2):\n    return (a, b, {'list': [a] * b})", async (lab) => {
    const end = await lab.run([1n], { kwargs: { b: 3n } });
    assertEquals([end.status, end.exception, end.stdout, end.stderr], [Finished, null, "", ""]);
    assertEquals((loads(end.result) as PyTuple).items.slice(0, 2), [1n, 3n]);
    assertEquals(end.result.slice(0, 2), Uint8Array.of(0x80, 5));
  }));

test("knows the node, its folder, and the modules that dispynode has imported", () =>
  withLab(
    `def compute():
    return (dispy_node_name, dispy_node_ip_addr, dispy_job_path == os.getcwd() == sys.path[0],
            time.time() > 0, __name__)`,
    async (lab) => {
      const { result } = await lab.run();
      assertEquals((loads(result) as PyTuple).items, [
        "node7",
        "10.0.0.7",
        true,
        true,
        "__main__",
      ]);
    },
  ));

test("has the variables of its computation and its own, and its children have them", () =>
  withLab(
    `def compute():
    show = "import os; print(os.environ['MARK'], os.environ['JOB'])"
    return subprocess.run([sys.executable, '-c', show], stdout=subprocess.PIPE).stdout`,
    async (lab) => {
      const { result } = await lab.run([], { environment: { JOB: "uid 5" } });
      assertEquals(loads(result), new TextEncoder().encode("node uid 5\n"));
    },
    { environment: { MARK: "node" } },
  ));

test("can be another function, which comes along with it, and does not stay", () =>
  withLab("def compute(name):\n    return globals()[name]()", async (lab) => {
    const first = await lab.run(["extra"], { code: "\ndef extra():\n    return 'brought'" });
    assertEquals(loads(first.result), "brought");
    const second = await lab.run(["extra"]);
    assertStringIncludes(second.exception!, "KeyError: 'extra'");
  }));

test("imports modules from the computation's folder that came after setup", () =>
  withLab("def compute(n):\n    import late\n    return late.double(n)", async (lab) => {
    assertStringIncludes((await lab.run([4n])).exception!, "ModuleNotFoundError");
    await Deno.writeTextFile(`${lab.folder}/late.py`, "def double(n): return 2 * n");
    assertEquals(loads((await lab.run([4n])).result), 8n);
  }));

test("is not confused by files named like modules of Python's", async () => {
  await withLab("def compute():\n    import helper\n    return helper.x", async (lab) => {
    for (const name of ["socket", "struct", "pickle", "traceback"]) {
      await Deno.writeTextFile(`${lab.folder}/${name}.py`, "raise RuntimeError('not this one')");
    }
    await Deno.writeTextFile(`${lab.folder}/helper.py`, "x = 5");
    assertEquals(loads((await lab.run()).result), 5n);
  });
});

test("takes and returns instances of classes that the code defines", () =>
  withLab(
    `class Point:
    def __init__(self, x):
        self.x = x

def compute(pickled):
    return pickle.loads(pickled).x + Point(1).x, pickle.dumps(Point(3)), Point(4)`,
    async (lab) => {
      // What a client makes of its own Point(5): the class is in its __main__.
      const point = new TextEncoder().encode("ccopy_reg\n__newobj__\n(c__main__\nPoint\ntR}");
      const state = new TextEncoder().encode("Vx\nI5\nsb.");
      const { result, exception } = await lab.run([new Uint8Array([...point, ...state])]);
      assertEquals(exception, null);
      assertEquals((loads(result) as PyTuple).items[0], 6n);
    },
  ));

test("that raises ends with the traceback as dispynode gives it", () =>
  withLab(
    "def inner(n):\n    return 1 / n\n\ndef compute(n):\n    return inner(n)",
    async (lab) => {
      const end = await lab.run([0n]);
      assertEquals(end.status, Terminated);
      assertEquals(loads(end.result), null);
      assertEquals(
        end.exception,
        "Traceback (most recent call last):\n" +
          '  File "<string>", line 5, in compute\n' +
          '  File "<string>", line 2, in inner\n' +
          "ZeroDivisionError: division by zero\n",
      );
      const wrongArguments = await lab.run([]);
      assertEquals(
        wrongArguments.exception,
        "TypeError: compute() missing 1 required positional argument: 'n'\n",
      );
    },
  ));

const TROUBLES: Readonly<Record<string, readonly [code: string, says: RegExp]>> = {
  "that leaves by sys.exit": ["sys.exit(3)", /SystemExit: 3\n$/],
  "that leaves by os._exit": ["os._exit(3)", /exited with code 3 before its function returned/],
  "whose process crashes": [
    "import ctypes; ctypes.string_at(0)",
    /killed by SIGSEGV \(signal 11\)/,
  ],
  "that is killed from outside": ["os.kill(os.getpid(), 9)", /killed by SIGKILL \(signal 9\)/],
  "whose value cannot be pickled": ["return lambda: 5", /pickle.*lambda/s],
  "that recurses without end": [
    "def down(n): return down(n + 1)\n    down(0)",
    /maximum recursion depth exceeded/,
  ],
  "that raises what cannot be shown": [
    "class Bad(Exception):\n        def __str__(self): raise ValueError()\n    raise Bad()",
    /Bad/,
  ],
};
for (const [name, [code, says]] of Object.entries(TROUBLES)) {
  test(`${name} ends Terminated, says so, and harms no other job`, () =>
    withLab(`def compute(fails):\n  if fails:\n    ${code}\n  return 'fine'`, async (lab) => {
      const [bad, good] = await Promise.all([lab.run([true]), lab.run([false])]);
      assertEquals([bad.status, loads(bad.result)], [Terminated, null]);
      assertMatch(bad.exception!, says);
      assertEquals([good.status, loads(good.result)], [Finished, "fine"]);
      assertEquals((await lab.run([false])).status, Finished);
    }));
}

test("gives back what it prints, in order, also by the processes that it starts", () =>
  withLab(
    `def compute():
    print('one')
    subprocess.run(['sh', '-c', 'echo two; echo three >&2'])
    print('four', file=sys.stderr)
    print('five', end='')`,
    async (lab) => {
      const end = await lab.run();
      assertEquals([end.stdout, end.stderr], ["one\ntwo\nfive", "three\nfour\n"]);
    },
  ));

test("gives back what it had printed when it was killed", () =>
  withLab("def compute():\n    print('so far')\n    os._exit(1)", async (lab) => {
    assertEquals((await lab.run()).stdout, "so far\n");
  }));

test("may print what is not UTF-8", () =>
  withLab(
    "def compute():\n    print('\\udc80é')\n    os.write(1, b'\\xff\\n')",
    async (lab) => {
      assertEquals((await lab.run()).stdout, "\\udc80é\n\ufffd\n");
    },
  ));

test("that prints a lot gets the beginning, and a line that says how much was dropped", () =>
  withLab(
    `def compute():
    for _ in range(3000):
        print('x' * 999)
    sys.stderr.write('short')`,
    async (lab) => {
      const end = await lab.run();
      assertEquals(end.status, Finished);
      assertMatch(
        end.stdout as string,
        /^(x{999}\n)+x*\n\[2900000 more bytes of stdout were dropped: the node keeps 100000\]\n$/,
      );
      assertEquals(end.stderr, "short");
    },
    { limits: { memoryBytes: null, outputBytes: 100_000 } },
  ));

test("finds the end of its input at once", () =>
  withLab("def compute():\n    return sys.stdin.read()", async (lab) => {
    assertEquals(loads((await lab.run()).result), "");
  }));

test("may use threads and processes", () =>
  withLab(
    `def square(n):
    return n * n

def compute():
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor() as threads:
        by_threads = sum(threads.map(square, range(10)))
    with multiprocessing.get_context('fork').Pool(2) as pool:
        return by_threads, sum(pool.map(square, range(10)))`,
    async (lab) => {
      const { result, exception } = await lab.run();
      assertEquals(exception, null);
      assertEquals((loads(result) as PyTuple).items, [285n, 285n]);
    },
  ));

test("is over when its function returns, whatever threads it has left", () =>
  withLab(
    `def compute():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return 5`,
    async (lab) => {
      assertEquals(loads((await lab.run()).result), 5n);
    },
  ));

test("may take and return much", () =>
  withLab("def compute(data):\n    return data[::-1]", async (lab) => {
    const data = new Uint8Array(20_000_000).fill(7);
    data[0] = 1;
    const result = loads((await lab.run([data])).result) as Uint8Array;
    assertEquals([result.length, result[0], result.at(-1)], [data.length, 7, 1]);
  }));

test("beyond its memory limit gets a MemoryError, and the next one is well", () =>
  withLab(
    "def compute(size):\n    return len(bytearray(size))",
    async (lab) => {
      assertMatch((await lab.run([1_000_000_000n])).exception!, /MemoryError\n$/);
      assertEquals(loads((await lab.run([1_000_000n])).result), 1_000_000n);
    },
    { limits: { memoryBytes: 300_000_000, outputBytes: 1000 } },
  ));

test("that runs with others has its own end", () =>
  withLab("def compute(n):\n    time.sleep(n % 3 / 100)\n    return n", async (lab) => {
    const ends = await Promise.all(Array.from({ length: 12 }, (_, n) => lab.run([BigInt(n)])));
    assertEquals(ends.map(({ result }) => loads(result)), ends.map((_, n) => BigInt(n)));
    assert(ends.every(({ status }) => status === Finished));
  }));
