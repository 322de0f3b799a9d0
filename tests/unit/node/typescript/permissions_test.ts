import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import {
  mayRead,
  parseJobPermission,
  permissionFlags,
} from "../../../../src/node/typescript/permissions.ts";
import { withLab } from "./lab.ts";

function flags(...permissions: string[]): string[] {
  return permissionFlags(permissions.map(parseJobPermission), "/jobs/a,b", "/jobs/a,b/module.ts");
}

Deno.test("without the operator's leave a job may read and write in its folder, and no more", () => {
  assertEquals(flags(), [
    "--allow-read=/jobs/a,,b",
    "--allow-write=/jobs/a,,b",
    "--deny-write=/jobs/a,,b/module.ts",
    "--no-remote",
    "--no-npm",
  ]);
});

Deno.test("what the operator allows comes on top, and all of a kind is more than some of it", () => {
  assertEquals(flags("net=example.com:443,[::1]:80", "read=/data", "env", "net=b:1", "env=HOME"), [
    "--allow-read=/jobs/a,,b,/data",
    "--allow-write=/jobs/a,,b",
    "--allow-net=example.com:443,[::1]:80,b:1",
    "--allow-env",
    "--deny-write=/jobs/a,,b/module.ts",
    "--no-remote",
    "--no-npm",
  ]);
  assertEquals(flags("read").slice(0, 1), ["--allow-read"]);
  assertEquals(flags("import").includes("--no-remote"), false);
  assertEquals(flags("all"), ["--allow-all", "--deny-write=/jobs/a,,b/module.ts"]);
});

Deno.test("a permission that there is not is refused in words", () => {
  for (const text of ["network", "", "all=x", "net=", "net=a,,b", "--allow-net"]) {
    assertThrows(() => parseJobPermission(text), TypeError);
  }
});

Deno.test("files are read for a job where it may read itself", () => {
  const allowed = (text: string | null, path: string) =>
    mayRead(text === null ? [] : [parseJobPermission(text)], "/jobs/1", path);
  assertEquals(allowed(null, "/jobs/1/out/x"), true);
  assertEquals(allowed(null, "/jobs/1/..x"), true);
  assertEquals(allowed(null, "/jobs/10/x"), false);
  assertEquals(allowed(null, "/etc/passwd"), false);
  assertEquals(allowed("read=/data", "/data/x"), true);
  assertEquals(allowed("read=/data", "/database"), false);
  assertEquals(allowed("net", "/data/x"), false);
  assertEquals(allowed("read", "/data/x"), true);
  assertEquals(allowed("all", "/data/x"), true);
});

/** Tries everything that a job could do to get out; tells what it could. */
const ESCAPES = `
const attempts: Record<string, () => unknown> = {
  "read outside": () => Deno.readTextFileSync("/etc/hostname"),
  "list outside": () => [...Deno.readDirSync("..")],
  "write outside": () => Deno.writeTextFileSync("../escaped", "x"),
  "link outside": () => Deno.symlinkSync("/etc", "etc"),
  "change the module": () => Deno.writeTextFileSync(new URL(import.meta.url), "x"),
  "environment": () => Deno.env.toObject(),
  "one variable": () => Deno.env.get("HOME"),
  "network": () => Deno.connect({ port: 9 }),
  "listen": () => Deno.listen({ port: 0 }).close(),
  "program": () => new Deno.Command("true").outputSync(),
  "own id of the user": () => Deno.uid(),
  "host name": () => Deno.hostname(),
  "kill": () => Deno.kill(1, "SIGCONT"),
  "worker with more": () => import("node:fs").then((fs) => fs.readFileSync("/etc/hostname")),
  "child process": () => import("node:child_process").then((it) => it.execSync("true")),
  "remote module": () => import("https://jsr.io/@std/assert/1.0.0/mod.ts"),
  "npm module": () => import("npm:left-pad@1.3.0"),
};
export async function compute() {
  const done: string[] = [];
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      done.push(name);
    } catch { /* refused, as it has to be */ }
  }
  Deno.writeTextFileSync("inside", "x");
  done.push(Deno.readTextFileSync("inside"));
  return done;
}`;

Deno.test("a job gets at nothing but its folder", () =>
  withLab(ESCAPES, async (lab) => assertEquals(await lab.value(), ["x"])));

Deno.test("a job gets at what the operator allows, and its module stays as it is", () =>
  withLab(
    ESCAPES,
    async (lab) => {
      assertEquals(await lab.value(), ["one variable", "host name", "x"]);
    },
    { permissions: ["env=HOME", "sys=hostname"] },
  ));

Deno.test("the node's environment does not reach a job that may read its own", async () => {
  Deno.env.set("LAB_SECRET", "tell nobody");
  try {
    await withLab(
      "export const compute = () => [Deno.env.get('LAB_SECRET'), Deno.env.get('MARK')];",
      async (lab) => assertEquals(await lab.value(), [undefined, "node"]),
      { permissions: ["env"], environment: { MARK: "node" } },
    );
  } finally {
    Deno.env.delete("LAB_SECRET");
  }
});

Deno.test("the node sends no file for a job that it may not read itself", () =>
  withLab(
    `import { parentPort } from "node:worker_threads";
     export async function compute() {
       const refused = [];
       for (const path of ["/etc/hostname", "../x", "nowhere"]) {
         await dispy.sendFile(path).catch(() => refused.push(path));
       }
       parentPort!.postMessage({ kind: "file", id: 99, path: "/etc/hostname" });
       return refused;
     }`,
    async (lab) => {
      assertEquals(await lab.value(), ["/etc/hostname", "../x", "nowhere"]);
      assertEquals(lab.files, []);
    },
  ));
