/** Inputs, files and folders of command lines that `submit` runs. */

import { deepStrictEqual as equal, match } from "node:assert/strict";
import { commandJson, runCommand } from "./harness/commands.ts";
import { SCHEDULER } from "./harness/lab.ts";
import { scenario } from "./harness/scenario.ts";

if (SCHEDULER === "ours") {
  for (const kind of ["dispynode", "ours"] as const) {
    scenario(
      `command lines have folders of their own, with their files where {} is (${kind})`,
      { tier: "core" },
      async (lab) => {
        await lab.startScheduler();
        await lab.startNode(1, { kind, cpus: 2 });
        const away = await lab.folder("away");
        await Deno.writeTextFile(`${away}/data.txt`, "from away\n");
        // Each writes a file of one name while the other is at work, and changes its own copy.
        const line = "cat {} shared >out; echo {/} >>{}; sleep 0.3; cat out {}; ls | wc -l";
        const { code, stdout, stderr } = await runCommand(lab, [
          ...["submit", "-k", "-d", "shared", "-d", "{}", line],
          ...[":::", `${away}/data.txt`, "here.txt"],
        ], { files: { "shared": "S\n", "here.txt": "from here\n" } });
        equal([code, stderr], [0, ""]);
        equal(
          stdout,
          "from away\nS\nfrom away\ndata.txt\n3\nfrom here\nS\nfrom here\nhere.txt\n3\n",
        );
        equal(await Deno.readTextFile(`${away}/data.txt`), "from away\n");
        const shared = await runCommand(lab, [
          ...["submit", "-k", "--shared_folder", "-n", lab.node(1), "-j", 1],
          ...["echo {} >>all; cat all", ":::", "a", "b"],
        ]);
        equal(shared.stdout, "a\na\nb\n");
      },
    );
  }

  scenario(
    "standard input that is a pipe or a file gives inputs also to a command without placeholders",
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1);
      const submit = async (stdin: string, ...args: string[]) => {
        const { code, stdout, stderr } = await runCommand(lab, ["submit", "-k", ...args], {
          stdin,
        });
        return [code, stdout, stderr];
      };
      equal(await submit("a b\nc\n", "echo", "x"), [0, "x a b\nx c\n", ""]);
      equal(await submit("a\nb\n", "echo {#}"), [0, "1\n2\n", ""]);
      equal(await submit("a\nb\n", "--once", "echo", "x"), [0, "x\n", ""]);
      const [code, stdout, stderr] = await submit("", "echo", "x");
      equal([code, stdout], [0, ""]);
      match(String(stderr), /there were no inputs: nothing was run \(--once runs the command once/);
      equal(
        await submit("1\n2\n", "echo", "{1}-{-1}", "::::", "-", ":::+", "x", "y", "z"),
        [0, "1-x\n2-y\n", ""],
      );
    },
  );

  scenario(
    "inputs that cannot be read end `submit` with one line, and leave no cluster behind",
    { tier: "core" },
    async (lab) => {
      await lab.startScheduler();
      await lab.startNode(1);
      const folder = await lab.folder("folder");
      const cases: [args: string[], stdin: string | undefined, error: RegExp][] = [
        [["-a", "/nonexistent"], undefined, /cannot read inputs from "\/nonexistent": there is no/],
        [["-a", folder, "echo"], undefined, /cannot read inputs from ".*": it is a directory/],
        [["echo", "::::", folder], undefined, /cannot read inputs from ".*": it is a directory/],
        [["echo {}"], "one\n\u0000\n", /standard input: line 2 holds a NUL/],
        [["-d", "{1}", "-d", "{2}", "cat", ":::", "../x", ":::", "/x"], undefined, /both be "x"/],
      ];
      for (const [args, stdin, error] of cases) {
        const run = await runCommand(
          lab,
          ["submit", ...args],
          stdin === undefined ? {} : { stdin },
        );
        equal(run.code, 125, run.stderr);
        match(run.stderr, error);
        equal(run.stderr.trimEnd().split("\n").length, 1, run.stderr);
        await lab.until("no cluster is left", async () => {
          return (await commandJson(lab, ["status"])).clusters.length === 0;
        });
      }
    },
  );

  scenario(
    "a name that several nodes have is refused with their addresses",
    { tier: "more" },
    async (lab) => {
      await lab.startScheduler();
      for (const index of [1, 2]) await lab.startNode(index, { args: ["--name", "twin"] });
      await lab.until("both nodes are known", async () => {
        return (await commandJson(lab, ["status"])).nodes.length === 2;
      });
      const { code, stderr } = await runCommand(lab, ["nodes", "drain", "twin"]);
      equal(code, 1);
      match(stderr, /several nodes are called "twin"; give one of: \S+, \S+\n$/);
      equal((await runCommand(lab, ["nodes", "drain", lab.node(2)])).code, 0);
      const { nodes } = await commandJson(lab, ["status"]);
      const limits = nodes.map((node: { address: string; cpu_limit: number | null }) => [
        node.address,
        node.cpu_limit,
      ]);
      equal(Object.fromEntries(limits), { [lab.node(1)]: null, [lab.node(2)]: 0 });
    },
  );
}
