import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertRejects } from "@std/assert/rejects.js";
import { join } from "node:path";
import { loads, type PyTuple } from "../../../../src/pickle/mod.ts";
import { RunnerError } from "../../../../src/node/runner.ts";
import { Lab, runs, withLab } from "./lab.ts";

/** Where a CPython of a version is: in PATH, or where pyenv keeps them; `null` if nowhere. */
async function findPython(version: string): Promise<string | null> {
  const home = Deno.env.get("HOME");
  const root = Deno.env.get("PYENV_ROOT") ?? (home === undefined ? null : join(home, ".pyenv"));
  const candidates = [`python${version}`];
  if (root !== null) {
    const entries = await Array.fromAsync(Deno.readDir(join(root, "versions"))).catch(() => []);
    for (const { name } of entries) {
      if (name.startsWith(`${version}.`)) {
        candidates.unshift(join(root, "versions", name, "bin", "python3"));
      }
    }
  }
  for (const candidate of candidates) {
    if (await runs(candidate)) return candidate;
  }
  return null;
}

const CODE = `
def setup(n):
    global base
    base = n
    return 0

class Point:
    def __init__(self, x):
        self.x = x

def square(n):
    return n * n

def compute(n, fails=False):
    print('prints', n)
    dispy_provisional_result(n)
    if fails:
        subprocess.Popen(['sleep', '600'])
        raise ValueError(n)
    with multiprocessing.get_context('fork').Pool(2) as pool:
        squares = pool.map(square, range(3))
    return base + n, squares, Point(n), sys.version.split()[0]
`;

for (const version of ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]) {
  const python = await findPython(version);
  Deno.test({
    name: `jobs run under CPython ${version}: setup, results, output, exceptions, processes`,
    ignore: python === null || Deno.build.os === "windows",
    fn: () =>
      withLab(CODE, async (lab) => {
        const good = await lab.run([5n]);
        assertEquals([good.exception, good.stdout, good.stderr], [null, "prints 5\n", ""]);
        const [sum, squares, , said] = (loads(good.result) as PyTuple).items;
        assertEquals([sum, squares], [105n, [0n, 1n, 4n]]);
        assertMatch(String(said), new RegExp(`^${version.replace(".", "\\.")}\\.`));
        const bad = await lab.run([5n], { kwargs: { fails: true } });
        assertEquals(
          bad.exception,
          "Traceback (most recent call last):\n" +
            '  File "<string>", line 19, in compute\nValueError: 5\n',
        );
        const job = lab.start(["job to end"]);
        job.terminate();
        await job.ended;
        assertEquals(lab.provisional.slice(0, 2), [5n, 5n]);
        assertEquals(lab.logged, []);
      }, { python: python!, setup: "setup", setupArgs: [100n] }),
  });
}

const old = await findPython("3.7") ?? await findPython("3.6");
Deno.test({
  name: "a Python that is too old is told as such",
  ignore: old === null,
  fn: async () => {
    await assertRejects(
      () => Lab.open("", { python: old! }),
      RunnerError,
      "and jobs need 3.8 or newer",
    );
  },
});
