import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { loads, PyTuple, type PyValue } from "../../../../src/pickle/mod.ts";
import { RunnerError } from "../../../../src/node/runner.ts";
import { Lab, type LabOptions, NO_PYTHON, withLab } from "./lab.ts";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: NO_PYTHON, fn });
}

/** What setup says in a computation that only ever is set up. */
async function setupOf(
  code: string,
  options: LabOptions = {},
  args: readonly PyValue[] = [],
): Promise<string | null> {
  const lab = await Lab.open(code, { setup: "setup", ...options });
  try {
    return await lab.setup(args);
  } finally {
    await lab.close();
  }
}

test("jobs see the globals that setup has set, and what they do to them stays theirs", () =>
  withLab(
    `def setup(start):
    global counter, module
    import decimal as module
    counter = [start]
    return 0

def compute():
    counter.append(1)
    return counter, module.__name__`,
    async (lab) => {
      for (let i = 0; i < 2; i++) {
        const [counter, module] = (loads((await lab.run()).result) as PyTuple).items;
        assertEquals(counter, [7n, 1n]);
        assertEquals(module, "decimal");
      }
    },
    { setup: "setup", setupArgs: [7n] },
  ));

test("setup runs once, before all jobs, in the computation's folder", () =>
  withLab(
    `def setup():
    with open('calls', 'a') as file:
        file.write('x')
    return 1

def compute():
    return open('calls').read()`,
    async (lab) => {
      await lab.run();
      assertEquals(loads((await lab.run()).result), "x");
    },
    { setup: "setup" },
  ));

test("setup has succeeded with 0, 1 and 2 alone", async () => {
  const code = "def setup(status):\n    return status\n\ndef compute(): pass";
  for (const status of [0n, 1n, 2n, false]) {
    assertEquals(await setupOf(code, {}, [status]), null);
  }
  for (const [status, text] of [[null, "None"], [3n, "3"], ["no GPU", "no GPU"]] as const) {
    assertEquals(await setupOf(code, {}, [status]), `"setup" failed with ${text}`);
  }
});

test("setup that raises, exits or takes other arguments has failed, and says where", async () => {
  assertEquals(
    await setupOf("def setup():\n    raise ValueError('no data')"),
    '"setup" failed with Traceback (most recent call last):\n' +
      '  File "<string>", line 2, in setup\nValueError: no data\n',
  );
  assertMatch(await setupOf("def setup():\n    sys.exit('gone')") ?? "", /SystemExit: gone/);
  assertMatch(await setupOf("def setup(a): pass") ?? "", /missing 1 required positional argument/);
  assertMatch(await setupOf("def other(): pass") ?? "", /NameError: name 'setup' is not defined/);
});

test("setup whose process dies has failed", async () => {
  assertMatch(await setupOf("def setup():\n    os._exit(3)") ?? "", /has exited with code 3$/);
  assertMatch(await setupOf("def setup():\n    os.kill(os.getpid(), 9)") ?? "", /SIGKILL/);
});

test("code that cannot be executed fails the setup", async () => {
  assertMatch(
    await setupOf("raise KeyError('x')", { setup: null }) ?? "",
    /^loading "depends" failed with .*KeyError: 'x'\n$/s,
  );
});

test("code that is not Python is refused when it comes, without being quoted", async () => {
  const error: Error = await assertRejects(
    () => Lab.open("x = 1\ndef compute(secret=):\n    pass"),
    RunnerError,
  );
  assertMatch(
    error.message,
    /^Invalid computation code for Python 3[.\d]+: line 2: (invalid syntax|expected [^=]*)$/,
  );
});

test("setup that never ends is ended by close", async () => {
  const lab = await Lab.open("def setup():\n    while True: pass", { setup: "setup" });
  const outcome = lab.setup();
  await lab.close();
  assertEquals(await outcome, "The computation was closed.");
});

test("cleanup runs with the setup's arguments and globals, after all jobs", () =>
  withLab(
    `def setup(name):
    global state
    state = 'set up'
    return 0

def cleanup(name):
    with open(name, 'w') as file:
        file.write(state)

def compute(): pass`,
    async (lab) => {
      await lab.run();
      await lab.runner.cleanup();
      assertEquals(await Deno.readTextFile(`${lab.folder}/proof`), "set up");
    },
    { setup: "setup", cleanup: "cleanup", setupArgs: ["proof"] },
  ));

test("cleanup that raises is logged and done", () =>
  withLab("def cleanup():\n    raise OSError('disk gone')", async (lab) => {
    await lab.runner.cleanup();
    assertMatch(lab.logged.join("\n"), /^warning: "cleanup" failed with .*OSError: disk gone/s);
  }, { cleanup: "cleanup" }));

test("what setup prints and logs goes to the node's log", () =>
  withLab(
    `def setup():
    print('loading')
    dispynode_logger.info('loaded %s', 5)
    return 0`,
    async (lab) => {
      await lab.runner.cleanup();
      assertEquals([...lab.logged].sort(), ["debug: loading", "info: loaded 5"]);
    },
    { setup: "setup" },
  ));

Deno.test("without Python a computation is refused in one line that says what to install", async () => {
  await assertRejects(
    () => Lab.open("", { python: "python-that-is-not-there" }),
    RunnerError,
    "Python jobs cannot run here: there is no python-that-is-not-there: install Python 3.8 or newer",
  );
});

Deno.test("a command that is no Python is told as such", async () => {
  await assertRejects(
    () => Lab.open("", { python: "false" }),
    RunnerError,
    "Python jobs cannot run here with false: it has ended with code 1",
  );
});

test("a Python that says something of its own before it begins is none the worse", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const wrapper = `${folder}/python`;
    await Deno.writeTextFile(
      wrapper,
      '#!/bin/sh\necho "welcome to this machine"\nexec python3 "$@"\n',
    );
    await Deno.chmod(wrapper, 0o755);
    await withLab("def compute():\n    return 5", async (lab) => {
      assertEquals(loads((await lab.run()).result), 5n);
    }, { python: wrapper });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
