import { assertEquals } from "@std/assert/equals.js";
import { assertMatch } from "@std/assert/match.js";
import { loads, PyTuple } from "../../../../src/pickle/mod.ts";
import { NO_PYTHON, withLab } from "./lab.ts";

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: NO_PYTHON, fn });
}

test("provisional results come as they are sent, and the job hears whether they arrived", () =>
  withLab(
    `def compute():
    return [dispy_provisional_result(n) for n in range(3)], dispy_provisional_result('x', True, 2.5)`,
    async (lab) => {
      const { result } = await lab.run();
      assertEquals((loads(result) as PyTuple).items, [[0n, 0n, 0n], 0n]);
      assertEquals(lab.provisional, [0n, 1n, 2n, "x"]);
      const [first, , , last] = lab.requests;
      assertEquals([first!.relay, first!.timeoutMs], [false, null]);
      assertEquals([last!.relay, last!.timeoutMs], [true, 2500]);
      lab.clientHasIt = false;
      const lost = loads((await lab.run()).result) as PyTuple;
      assertEquals(lost.items, [[-1n, -1n, -1n], -1n]);
    },
  ));

test("threads and processes of a job may send provisional results all at once", () =>
  withLab(
    `def send(n):
    return dispy_provisional_result(bytes([n]) * 300000)

def compute():
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        sent = list(threads.map(send, range(4)))
    with multiprocessing.get_context('fork').Pool(2) as pool:
        return sent + pool.map(send, range(4, 8))`,
    async (lab) => {
      assertEquals(loads((await lab.run()).result), Array(8).fill(0n));
      const firsts = lab.provisional.map((value) => (value as Uint8Array)[0]);
      assertEquals(firsts.sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
    },
  ));

test("a file to send is told as the job has named it, and where it really is", () =>
  withLab(
    `def compute():
    os.mkdir('below')
    os.chdir('below')
    with open('out.txt', 'w') as file:
        file.write('5')
    return dispy_send_file('out.txt', timeout=3), dispy_send_file('nowhere'), dispy_send_file('.')`,
    async (lab) => {
      assertEquals((loads((await lab.run()).result) as PyTuple).items, [0n, -1n, -1n]);
      assertEquals(lab.files, [{
        name: "out.txt",
        path: `${lab.folder}/below/out.txt`,
        relay: false,
        timeoutMs: 3000,
      }]);
    },
  ));

test("setup cannot send results or files", () =>
  withLab(
    `def setup():
    global sent
    sent = dispy_provisional_result(1)
    return 0

def compute():
    return sent`,
    async (lab) => {
      assertEquals(loads((await lab.run()).result), -1n);
      assertEquals(lab.provisional, []);
    },
    { setup: "setup" },
  ));

test("dispynode_logger of a job writes to the node's log", () =>
  withLab("def compute():\n    dispynode_logger.warning('low on %s', 'disk')", async (lab) => {
    await lab.run();
    assertEquals(lab.logged, ["warning: low on disk"]);
  }));

test("a job may import dispy for what makes sense in a job", () =>
  withLab(
    `def compute():
    import dispy
    from dispy.dispynode import dispynode_logger, dispy_provisional_result
    return dispy.DispyJob.Finished, dispy_provisional_result(5)`,
    async (lab) => {
      const { result, exception } = await lab.run();
      assertEquals(exception, null);
      assertEquals((loads(result) as PyTuple).items, [11n, 0n]);
    },
  ));

test("a job that writes nonsense to its connection harms only itself", () =>
  withLab(
    `def compute():
    channel = next(value for value in gc_objects() if isinstance(value, socket.socket))
    for text in (b'', b'x', b'\\0' * 12, b'\\0\\0\\0\\2' + b'\\0' * 8 + b'{]', b'\\xff' * 5000):
        mine, theirs = socket.socketpair()
        socket.send_fds(channel, [b'0'], [theirs.fileno()])
        theirs.close()
        mine.sendall(text)
        mine.close()
    return 'told'

def gc_objects():
    import gc
    return gc.get_objects()`,
    async (lab) => {
      const end = await lab.run();
      assertEquals(end.exception, null);
      assertMatch(String(loads(end.result)), /told/);
    },
  ));
