import { Namespace } from "../interop/harness/namespace.ts";

const SEED = 20261122;
const INPUTS = 1500;

const namespace = Deno.build.os === "linux"
  ? await Namespace.open()
  : { unavailable: "network namespaces need Linux" };
const unavailable = "unavailable" in namespace ? namespace.unavailable : undefined;
if (!("unavailable" in namespace)) await namespace.close();

Deno.test({
  name: "fuzz: a server whose ports are sent broken messages goes on, without an internal error",
  ignore: unavailable !== undefined && Deno.env.get("CI") !== "true",
  fn: async () => {
    const namespace = await Namespace.open();
    if ("unavailable" in namespace) throw new Error(namespace.unavailable);
    const [program = "", ...args] = namespace.command([
      ...[Deno.execPath(), "run", "--allow-all", "--no-check"],
      new URL("ports.ts", import.meta.url).pathname,
      ...["--inputs", String(INPUTS), "--seed", String(SEED)],
    ]);
    try {
      const run = await new Deno.Command(program, { args, stdin: "null" }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
      if (run.code !== 0) throw new Error(text(run.stderr));
      console.log(text(run.stdout));
    } finally {
      await namespace.close();
    }
  },
});
