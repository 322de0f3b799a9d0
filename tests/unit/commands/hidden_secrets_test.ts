/** Secrets of a process's arguments and environment are not for others to see. */

import { deepStrictEqual as equal } from "node:assert/strict";

const onlyLinux = Deno.build.os !== "linux" && Deno.env.get("CI") !== "true";
const MODULE = new URL("../../../src/commands/hidden_secrets.ts", import.meta.url).href;

/** Hides secrets in a process of its own, and tells what the system shows of it afterwards. */
async function shown(args: string[], secrets: string[], permissions = ["--allow-all"]) {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    path,
    `import { hideSecrets } from ${JSON.stringify(MODULE)};
     console.log(JSON.stringify(hideSecrets(${JSON.stringify(secrets)})));
     for await (const _ of Deno.stdin.readable);`,
  );
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...permissions, path, ...args],
    env: { DISPYSCHEDULER_NODE_SECRET: "of nodes", DISPYSCHEDULER_CLUSTER_SECRET: "of clients" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  const read = async (file: string) =>
    (await Deno.readTextFile(`/proc/${process.pid}/${file}`)).split("\0");
  const environment = await read("environ");
  const said = { environment, args: (await read("cmdline")).slice(-args.length - 1, -1) };
  await process.stdin.close();
  await reader.cancel();
  await process.status;
  await Deno.remove(path);
  return { ...said, trouble: JSON.parse(new TextDecoder().decode(value)) };
}

Deno.test({
  name: "secrets in arguments are overwritten, however they are given, and nothing else is",
  ignore: onlyLinux,
  fn: async () => {
    const args = ["--secret", "déjà vu", "--cluster_secret=déjà vu", "-sdéjà vu", "vu", "--x=y"];
    const { trouble, args: left } = await shown(args, ["déjà vu", ""]);
    const stars = "*".repeat(9);
    equal([trouble, left], [null, [
      ...["--secret", stars, `--cluster_secret=${stars}`, `-s${stars}`, "vu", "--x=y"],
    ]]);
  },
});

Deno.test({
  name: "secrets in the environment are overwritten, in use or not, and nothing else is",
  ignore: onlyLinux,
  fn: async () => {
    const { environment } = await shown([], ["of nodes"]);
    const found = (name: string) => environment.filter((each) => each.startsWith(`${name}=`));
    equal(found("DISPYSCHEDULER_NODE_SECRET"), ["DISPYSCHEDULER_NODE_SECRET=********"]);
    equal(found("DISPYSCHEDULER_CLUSTER_SECRET"), ["DISPYSCHEDULER_CLUSTER_SECRET=**********"]);
    equal(found("PATH"), [`PATH=${Deno.env.get("PATH")}`]);
  },
});

Deno.test({
  name: "without the permission to do so, that is told, and nobody is asked",
  ignore: onlyLinux,
  fn: async () => {
    const { trouble } = await shown([], ["of nodes"], ["--allow-read"]);
    equal(trouble, "that needs all permissions of Deno (-A)");
    equal((await shown([], [""], [])).trouble, null);
  },
});
