/** Jobs of another user than the node's: what they can do, and what the node does for them. */

import { deepStrictEqual as equal, match, rejects } from "node:assert/strict";
import { loads } from "../../../../src/pickle/mod.ts";
import {
  checkEntry,
  findJobUser,
  type JobUser,
  JobUserError,
} from "../../../../src/node/job_user/job_user.ts";
import { UserAccess } from "../../../../src/node/job_user/user_access.ts";
import { findPython, PythonLanguage } from "../../../../src/node/python/language.ts";
import { findNamespace } from "../../../../src/node/containment/namespace.ts";
import { ComputationFolders, removeLeftovers } from "../../../../src/node/computation_folder.ts";
import { withLab } from "../python/lab.ts";

const isRoot = Deno.build.os === "linux" && Deno.uid() === 0;
const user = isRoot ? await findJobUser("nobody").catch(() => null) : null;
/** The system's own: others may be in the home of the user that runs the tests. */
const PYTHON = "/usr/bin/python3";
const python = user === null ? null : await findPython(PYTHON, user.launcher);

/** The node's folder and a computation's in it, and a folder that only root may enter. */
interface Place {
  readonly user: JobUser;
  readonly access: UserAccess;
  readonly node: string;
  readonly folder: string;
  readonly secret: string;
}

function userTest(name: string, test: (place: Place) => Promise<void>): void {
  Deno.test({
    name,
    ignore: user === null,
    fn: async () => {
      const root = await Deno.realPath(await Deno.makeTempDir());
      await Deno.chmod(root, 0o711);
      try {
        const [node, secret] = [`${root}/node`, `${root}/secret`];
        await Deno.mkdir(node, { mode: 0o711 });
        await Deno.mkdir(secret, { mode: 0o755 });
        await Deno.writeTextFile(`${secret}/file`, "of root", { mode: 0o600 });
        await removeLeftovers(node);
        const access = new UserAccess(user!, node);
        const folders = new ComputationFolders(node, access);
        const compute = { id: 1, destPath: null, isTemporary: true };
        const { path: folder } = await folders.make(compute, "10.0.0.1");
        await test({ user: user!, access, node, folder, secret });
        equal(await Deno.readTextFile(`${secret}/file`), "of root");
        equal([...Deno.readDirSync(secret)].length, 1);
        equal([...Deno.readDirSync(`${node}/scratch`)], []);
      } finally {
        await Deno.remove(root, { recursive: true });
      }
    },
  });
}

async function staged(access: UserAccess, text: string): Promise<string> {
  const path = await Deno.makeTempFile({ dir: access.stagingFolder() });
  await Deno.writeTextFile(path, text);
  return path;
}

const LOOK = { mode: 0o750, atimeS: 1_000_000_000, mtimeS: 1_000_000_000.25 };

userTest("files come into a computation's folder as the job's user", async (place) => {
  const { access, folder, user } = place;
  await access.makeFolders(`${folder}/a b/-c`);
  await access.install(await staged(access, "one"), `${folder}/a b/-c/-x y`, LOOK);
  await access.install(await staged(access, "two"), `${folder}/a b/-c/-x y`, LOOK);
  const { uid, gid, mode, mtime } = await Deno.stat(`${folder}/a b/-c/-x y`);
  equal([uid, gid, mode! & 0o777, mtime!.getTime()], [user.uid, user.gid, 0o750, 1e12 + 250]);
  equal([...Deno.readDirSync(`${folder}/a b/-c`)].length, 1);
  using file = await access.open(`${folder}/a b/-c/-x y`);
  equal(await new Response(file.readable).text(), "two");
});

userTest("no file of a job leads the node out of the computation's folder", async (place) => {
  const { access, folder, secret } = place;
  await Deno.symlink(secret, `${folder}/way`);
  await Deno.symlink(`${secret}/file`, `${folder}/file`);
  const file = await staged(access, "mine");
  await rejects(access.install(file, `${folder}/way/file`, LOOK), /as nobody: .*denied/);
  await Deno.remove(file);
  await rejects(access.makeFolders(`${folder}/way/new`), /as nobody/);
  await rejects(access.open(`${folder}/file`), /as nobody/);
  await rejects(access.open(`${folder}/way/file`), /as nobody/);
  await rejects(access.open("/dev/zero"), /as nobody/);
  await access.removeFile(`${folder}/way/file`);
  await access.removeTree(`${folder}/way`);
  await access.removeIfEmpty(`${folder}/way/file`);
  await access.removeTree(folder);
  equal(await Deno.stat(folder).catch(() => null), null);
});

userTest("named folders are the user's from the first on", async ({ access, node, user }) => {
  const folders = new ComputationFolders(node, access);
  const compute = { id: 2, destPath: "a/b/c", isTemporary: true };
  const { path, close } = await folders.make(compute, "10.0.0.1");
  for (const each of [path, `${path}/..`, `${path}/../..`]) {
    equal((await Deno.stat(each)).uid, user.uid);
  }
  equal((await Deno.stat(`${path}/../../..`)).uid, 0);
  await close(true, []);
  equal([...Deno.readDirSync(`${node}/10.0.0.1/named/a/b`)], []);
  const single = await folders.make({ ...compute, destPath: "a" }, "10.0.0.1");
  await single.close(true, []);
  equal([...Deno.readDirSync(`${node}/10.0.0.1/named`)], []);
});

for (const how of ["with", "without"] as const) {
  Deno.test({
    name: `a Python job runs as the user, and reaches nothing of the node (${how} a PID namespace)`,
    ignore: user === null || !(python instanceof PythonLanguage),
    fn: async () => {
      const namespace = await findNamespace();
      const outer = how === "with" && namespace.kind !== "none" ? namespace.launcher : [];
      const node = new Deno.Command("sleep", { args: ["600"] }).spawn();
      try {
        await withLab(
          `def compute(node):
    import pwd
    os.chdir('/')
    refused = []
    for attempt in (lambda: open('/etc/shadow'), lambda: os.kill(node, 0), lambda: os.setuid(0),
                    lambda: open('/proc/%d/environ' % node)):
        try:
            attempt()
        except OSError:
            refused.append(True)
    return [os.getuid(), os.getgid(), os.getgroups(), os.environ['USER'], len(refused)]`,
          async (lab) => {
            const { exception, result } = await lab.run([BigInt(node.pid)]);
            equal(exception, null);
            equal(loads(result), [BigInt(user!.uid), BigInt(user!.gid), [], "nobody", 4n]);
          },
          {
            python: PYTHON,
            launcher: [...outer, ...user!.launcher],
            environment: user!.environment,
            access: new UserAccess(user!, "/"),
            isOpenToAll: true,
          },
        );
      } finally {
        node.kill("SIGKILL");
        await node.status;
      }
    },
  });
}

Deno.test({
  name: "a program runs as the user, and may open its output by its name",
  ignore: user === null,
  fn: async () => {
    const script = 'echo "$(id -u) $(id -G) $USER"; echo out >/dev/stdout; echo err >/dev/stderr';
    const [program = "", ...args] = [...user!.launcher, "sh", "-c", script];
    const { stdout, stderr } = await new Deno.Command(program, { args, env: user!.environment })
      .output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    equal(said, [`${user!.uid} ${user!.gid} nobody\nout\n`, "err\n"]);
    equal((await Deno.stat("/dev/null")).uid, 0);
  },
});

Deno.test({
  name: "a user that cannot run jobs is refused at the node's start, with the reason",
  ignore: user === null,
  fn: async () => {
    await rejects(findJobUser("no such user"), /--job_user no such user: there is no such user/);
    await rejects(findJobUser("root"), /root is what/);
    await rejects(findJobUser("0"), JobUserError);
    const folder = await Deno.makeTempDir();
    await rejects(checkEntry(user!, folder), /cannot enter .*--dest_path_prefix/);
    await Deno.chmod(folder, 0o711);
    await checkEntry(user!, folder);
    await Deno.remove(folder);
  },
});

Deno.test({
  name: "a node that does not run as root cannot have another user for jobs",
  ignore: isRoot || Deno.build.os === "windows",
  fn: async () => {
    await rejects(findJobUser("nobody"), (error: Error) => {
      match(error.message, /--job_user nobody: (the node must run as root|only nodes on Linux)/);
      return true;
    });
  },
});
