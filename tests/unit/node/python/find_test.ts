/** A node finds out at its start whether it has a Python, and says what is wrong otherwise. */

import { deepStrictEqual as equal, match, rejects } from "node:assert/strict";
import { platformText } from "../../../../src/node/platform.ts";
import { ProgramLanguage } from "../../../../src/node/program/language.ts";
import { findPython, NoPython, PythonLanguage } from "../../../../src/node/python/language.ts";
import type { ComputationTask } from "../../../../src/node/runner.ts";
import { NO_PYTHON } from "./lab.ts";

async function fake(script: string): Promise<string> {
  const path = `${await Deno.makeTempDir()}/python3`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

Deno.test({
  name: "a Python that will do is named with its version",
  ignore: NO_PYTHON,
  fn: async () => {
    const python = await findPython("python3");
    match(python.name, /^Python 3\.\d+\.\d+ \(python3\)$/);
    equal(python instanceof PythonLanguage, true);
    equal(platformText([python]).split(" ").length, 1);
  },
});

for (
  const [what, script, said] of [
    ["is not there", null, /there is no .*\/python3: install Python 3\.8 or newer/],
    [
      "is too old",
      "echo 'it is Python 2.7, and jobs need 3.8 or newer' >&2; exit 1",
      /it is Python 2\.7/,
    ],
    ["fails without a word", "exit 3", /is of no use: it ends with code 3/],
    ["does not answer", "exec sleep 600", /does not tell its version/],
  ] as const
) {
  Deno.test({
    name: `where Python ${what}, the node says so to all that ask for it`,
    ignore: Deno.build.os === "windows",
    fn: async () => {
      const path = await fake(script ?? "");
      if (script === null) await Deno.remove(path);
      const python = await findPython(path, [], 500);
      equal(python instanceof NoPython, true);
      match((python as NoPython).reason, said);
      const code = { type: "function", name: "f", code: "def f(): pass" } as const;
      equal(python.accepts(code), true);
      equal(platformText([python]).split(" ").at(-1), "no-python");
      const task = { name: "/run.py", setup: null, cleanup: null } as ComputationTask;
      await rejects(python.open(task), said);
      const programs = new ProgramLanguage({ python: null }, python);
      await rejects(programs.open(task), /no Python to run the program with/);
      await rejects(programs.open({ ...task, name: "/run", setup: "f" }), said);
    },
  });
}
