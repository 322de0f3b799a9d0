import { deepStrictEqual as equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

Deno.test("a submit that is interrupted twice leaves at once, and nothing behind", {
  ignore: Deno.build.os === "windows",
}, async () => {
  // A scheduler that never says a word.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const folder = await Deno.makeTempDir();
  const submit = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", "--no-prompt", MAIN, "submit"],
      ...["--scheduler_port", String(listener.addr.port), "--", "echo", "hi"],
    ],
    env: { TMPDIR: folder },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = submit.stderr.getReader();
  using _silent = await listener.accept();
  equal([...Deno.readDirSync(folder)].length, 1);
  submit.kill("SIGINT");
  await said.read();
  submit.kill("SIGINT");
  equal((await submit.status).code, 130);
  await said.cancel();
  equal([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});
