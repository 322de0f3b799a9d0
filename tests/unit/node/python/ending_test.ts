import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { loads } from "../../../../src/pickle/mod.ts";
import { JobStatus } from "../../../../src/wire/mod.ts";
import { Lab, NO_PYTHON, withLab } from "./lab.ts";

const { Finished, Terminated } = JobStatus;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: NO_PYTHON || Deno.build.os !== "linux", fn });
}

/** Waits until a job has sent a provisional result, and tells it. */
async function word(lab: Lab): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  lab.onProvisional = (value) => resolve(String(value));
  return await promise;
}

/** Resolves when none of the processes is left; a zombie is not a process. */
async function gone(pids: string): Promise<void> {
  for (const pid of pids.trim().split(" ")) {
    for (;;) {
      const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => ") Z");
      if (stat.slice(stat.lastIndexOf(")") + 2)[0] === "Z") break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Code of jobs that leave processes everywhere; `spawn_all` tells their ids. */
const SPAWNER = `
def spawn_all():
    """A child, a grandchild whose parent has ended, and a daemon in a session of its own."""
    child = subprocess.Popen(['sleep', '600'])
    script = "sleep 600 & echo $!"
    orphan = subprocess.run(['sh', '-c', script], stdout=subprocess.PIPE)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.write(writer, b'%d' % os.getpid())
            os.close(writer)
            time.sleep(600)
        os._exit(0)
    os.wait()
    os.close(writer)
    daemon = os.read(reader, 100)
    return '%d %d %d %d' % (os.getpid(), child.pid, int(orphan.stdout.split()[0]), int(daemon))
`;
// The orphan must not hold the pipe that its id comes through.
const SPAWN = SPAWNER.replace("sleep 600 & echo", "sleep 600 >/dev/null 2>&1 & echo");

test("a job that is terminated ends with a KeyboardInterrupt, and tells what it had printed", () =>
  withLab(
    `def compute():
    print('begun')
    dispy_provisional_result('here')
    time.sleep(600)`,
    async (lab) => {
      const job = lab.start();
      await word(lab);
      job.terminate();
      job.terminate();
      const end = await job.ended;
      assertEquals([end.status, loads(end.result), end.stdout], [Terminated, null, "begun\n"]);
      assertEquals(end.exception, null);
      job.terminate();
    },
  ));

test("a job that takes the KeyboardInterrupt may still return its best value", () =>
  withLab(
    `def compute():
    try:
        dispy_provisional_result('here')
        time.sleep(600)
    except KeyboardInterrupt:
        return 'best so far'`,
    async (lab) => {
      const job = lab.start();
      await word(lab);
      job.terminate();
      const end = await job.ended;
      assertEquals([end.status, loads(end.result)], [Finished, "best so far"]);
    },
  ));

test("a job that fails while it ends tells why", () =>
  withLab(
    `def compute():
    try:
        dispy_provisional_result('here')
        time.sleep(600)
    except KeyboardInterrupt:
        raise RuntimeError('cannot save')`,
    async (lab) => {
      const job = lab.start();
      await word(lab);
      job.terminate();
      const end = await job.ended;
      assertEquals(end.status, Terminated);
      assertMatch(end.exception!, /RuntimeError: cannot save\n$/);
    },
  ));

test("a KeyboardInterrupt that the node has not sent is told", () =>
  withLab(
    "def compute():\n    raise KeyboardInterrupt()",
    async (lab) => {
      const end = await lab.start().ended;
      assertMatch(end.exception!, /KeyboardInterrupt\n$/);
    },
  ));

test("a job that is terminated at once does not run", () =>
  withLab(
    "def compute():\n    time.sleep(600)",
    async (lab) => {
      const job = lab.start();
      job.terminate();
      assertEquals((await job.ended).status, Terminated);
    },
  ));

test("a job that will not end is killed, with all that it has started", () =>
  withLab(
    SPAWN + `
def compute():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dispy_provisional_result(spawn_all())
    while True: pass`,
    async (lab) => {
      const job = lab.start();
      const pids = await word(lab);
      assertEquals(await job.findPid(), Number(pids.split(" ")[0]));
      job.terminate();
      const end = await job.ended;
      assertEquals([end.status, end.exception], [Terminated, null]);
      await gone(pids);
    },
    { terminateGraceMs: 200 },
  ));

test("what a job leaves behind ends with it; what setup has started goes on", () =>
  withLab(
    SPAWN + `
def setup():
    global mine
    mine = spawn_all()
    return 0

def compute():
    return spawn_all(), mine`,
    async (lab) => {
      const first = loads((await lab.run()).result) as { items: string[] };
      await gone(first.items[0]!);
      const second = loads((await lab.run()).result) as { items: string[] };
      await gone(second.items[0]!);
      for (const pid of second.items[1]!.split(" ")) {
        assert(Deno.statSync(`/proc/${pid}`).isDirectory, `process ${pid} of setup is gone`);
      }
      await lab.runner.close();
      await gone(second.items[1]!);
    },
    { setup: "setup" },
  ));

test("a job of another one's time keeps its processes when that ends", () =>
  withLab(
    SPAWN + `
def compute(stays):
    if stays:
        dispy_provisional_result(spawn_all())
        time.sleep(600)`,
    async (lab) => {
      lab.start([true]);
      const pids = await word(lab);
      await lab.run([false]);
      for (const pid of pids.split(" ")) assert(Deno.statSync(`/proc/${pid}`).isDirectory);
    },
  ));

test("close ends running jobs and all that they have started", () =>
  withLab(
    SPAWN + `
def compute():
    dispy_provisional_result(spawn_all())
    time.sleep(600)`,
    async (lab) => {
      const job = lab.start();
      const pids = await word(lab);
      await lab.runner.close();
      await gone(pids);
      const end = await job.ended;
      assertEquals([end.status, end.exception], [Terminated, "The computation was closed."]);
      assertEquals((await lab.run()).exception, "The computation was closed.");
    },
  ));

const VICTIMS = {
  "that jobs are made from": "os.getppid()",
  "that watches over the others": "int(open('/proc/%d/stat' % os.getppid()).read().split()[3])",
};
for (const [which, pid] of Object.entries(VICTIMS)) {
  test(`when the process ${which} is killed, its jobs fail, and the next finds all set up`, () =>
    withLab(
      `def setup():
    global mine
    mine = os.getpid()
    return 0

def compute(kill):
    dispy_provisional_result('here')
    if kill:
        os.kill(${pid}, 9)
    if kill is not None:
        time.sleep(600)
    return mine`,
      async (lab) => {
        const mine = loads((await lab.run([null])).result);
        const patient = lab.start([false]);
        await word(lab);
        const killer = lab.start([true]);
        for (const { ended } of [patient, killer]) {
          const end = await ended;
          assertEquals(end.status, Terminated);
          assertStringIncludes(end.exception!, "The computation's Python process has ended");
        }
        const [one, two] = await Promise.all([lab.run([null]), lab.run([null])]);
        assertEquals([one.exception, two.exception], [null, null]);
        assertEquals(loads(one.result), loads(two.result));
        assert(loads(one.result) !== mine);
      },
      { setup: "setup" },
    ));
}

test("a setup that cannot be done again fails the jobs that need it, and says so", () =>
  withLab(
    `def setup():
    open('once', 'x').close()
    return 0

def compute():
    os.kill(os.getppid(), 9)
    time.sleep(600)`,
    async (lab) => {
      await lab.run();
      assertStringIncludes((await lab.run()).exception!, "FileExistsError");
      const last = lab.start();
      await lab.runner.close();
      assertEquals((await last.ended).status, Terminated);
    },
    { setup: "setup" },
  ));

test("when the node is killed, nothing of its computations is left", async () => {
  const node = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", new URL("doomed_node.ts", import.meta.url).pathname],
    env: {
      JOB_CODE: SPAWN + `
def compute():
    dispy_provisional_result(spawn_all())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True: pass`,
    },
    stdout: "piped",
  }).spawn();
  let said = "";
  for await (const text of node.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.endsWith("\n")) node.kill("SIGKILL");
  }
  await node.status;
  assertMatch(said, /^\d+ \d+ \d+ \d+\n$/);
  await gone(said);
});
