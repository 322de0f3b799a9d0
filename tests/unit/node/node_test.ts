/** Our node as its scheduler sees it, message by message. */

import { deepStrictEqual as equal, match, ok } from "node:assert/strict";
import { configureLogging } from "../../../src/log/log.ts";
import { loads, PyDict, PyTuple } from "../../../src/pickle/mod.ts";
import {
  authCode,
  decodeIntAnswer,
  decodeJobReply,
  decodeUidsAnswer,
  FILLER_AUTH,
  JobStatus,
} from "../../../src/wire/mod.ts";
import { encodeTagged } from "../../../src/wire/tags.ts";
import { FakeJob, FINISHED, Scene } from "./fake_scheduler.ts";

const ACK = "ACK";
const AUTH = "a".repeat(40);

/** A test with a node of the usual kind. */
function nodeTest(name: string, test: (scene: Scene) => Promise<void>): void {
  Deno.test(name, async () => {
    await using scene = await Scene.open();
    await test(scene);
  });
}

const setup = (computeId: number) =>
  ({ kind: "SETUP", computeId, setupArgs: new PyTuple([]) }) as const;

nodeTest("a node answers a greeting with what it is, and proves its secret", (scene) => {
  const { pong } = scene;
  equal([pong.name, pong.cpus, pong.version, pong.port], ["test", 2, "4.15.2", scene.nodePort]);
  equal(pong.auth, authCode("", "b".repeat(40)));
  match(pong.platform, / fake\/1$/);
  ok(pong.availInfo !== null && pong.availInfo.memoryBytes > 0);
  return Promise.resolve();
});

nodeTest("a node gives nobody the proof that opens itself", async (scene) => {
  const { sign } = scene.pong;
  await scene.greet(sign);
  await scene.greet("c".repeat(40));
  await scene.until("PONG", 2);
  const proofs = scene.all("PONG").map(({ auth }) => new TextDecoder().decode(auth));
  ok(!proofs.includes(new TextDecoder().decode(authCode("", sign))));
});

nodeTest("a job's result comes with its hash, times and all that it said", async (scene) => {
  await scene.setUp(1);
  equal(await scene.askText({ kind: "JOB", job: scene.job(11, 1) }), ACK);
  equal(decodeUidsAnswer(await scene.ask({ kind: "JOBS", computeId: 1, auth: AUTH }), ""), [11]);
  scene.language.jobs[0]!.end();
  const { reply } = await scene.until("JOB_REPLY");
  equal([reply.uid, reply.hash, reply.status, reply.stdout, reply.exception], [
    11,
    "hash 11",
    JobStatus.Finished,
    "said",
    null,
  ]);
  equal(reply.result, FINISHED.result);
  ok(reply.startTimeS <= reply.endTimeS && reply.endTimeS <= Date.now() / 1000);
  equal(decodeUidsAnswer(await scene.ask({ kind: "JOBS", computeId: 1, auth: AUTH }), ""), []);
});

nodeTest("jobs that end at once are finished all the same", async (scene) => {
  scene.language.endsAtOnce = true;
  await scene.setUp(1);
  for (let uid = 1; uid <= 20; uid++) {
    equal(await scene.askText({ kind: "JOB", job: scene.job(uid, 1) }), ACK);
    equal((await scene.until("JOB_REPLY", uid)).reply.status, JobStatus.Finished);
  }
});

nodeTest(
  "no more jobs are taken than there are CPUs, whatever computation they are of",
  async (scene) => {
    await scene.setUp(1);
    await scene.setUp(2);
    equal(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), ACK);
    equal(await scene.askText({ kind: "JOB", job: scene.job(2, 2) }), ACK);
    equal(await scene.askText({ kind: "JOB", job: scene.job(3, 2) }), "All CPUs busy!");
    scene.language.jobs[0]!.end();
    await scene.until("JOB_REPLY");
    equal(await scene.askText({ kind: "JOB", job: scene.job(3, 2) }), ACK);
  },
);

nodeTest("a cancelled job that does not return is Terminated, without a reason", async (scene) => {
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  equal(await scene.ask({ kind: "TERMINATE_JOB", job: scene.job(1, 1) }), new Uint8Array());
  const { reply } = await scene.until("JOB_REPLY");
  equal([reply.status, reply.exception], [JobStatus.Terminated, null]);
  equal(scene.language.jobs[0]!.terminated, 1);
});

nodeTest("what a cancelled job returns in its last moments reaches its client", async (scene) => {
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  const [job] = scene.language.jobs;
  job!.terminate = () => job!.end();
  await scene.ask({ kind: "TERMINATE_JOB", job: scene.job(1, 1) });
  const { reply } = await scene.until("JOB_REPLY");
  equal([reply.status, loads(reply.result!)], [JobStatus.Finished, "result"]);
  equal([reply.stdout, reply.stderr, reply.exception], ["said", "", null]);
});

nodeTest("what a cancelled job throws in its last moments reaches its client", async (scene) => {
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  const [job] = scene.language.jobs;
  const end = { ...FINISHED, status: JobStatus.Terminated, exception: "cannot save" };
  job!.terminate = () => job!.end(end);
  await scene.ask({ kind: "TERMINATE_JOB", job: scene.job(1, 1) });
  const { reply } = await scene.until("JOB_REPLY");
  equal([reply.status, reply.exception], [JobStatus.Terminated, "cannot save"]);
});

nodeTest(
  "jobs of what is not known or not set up are refused in words that schedulers know",
  async (scene) => {
    match(
      await scene.askText({ kind: "JOB", job: scene.job(1, 99) }),
      /^Invalid job \(computation 99/,
    );
    await scene.ask({ kind: "COMPUTE", compute: scene.compute(1) });
    match(
      await scene.askText({ kind: "JOB", job: scene.job(1, 1) }),
      /^Invalid job \(.*not set up/,
    );
  },
);

nodeTest(
  "a computation whose code is no good is refused, and leaves nothing behind",
  async (scene) => {
    const compute = scene.compute(1, { code: "refused" });
    equal(await scene.askText({ kind: "COMPUTE", compute }), "it cannot be compiled");
    equal([...Deno.readDirSync(`${scene.folder}/127.0.0.1`)], []);
    match(await scene.askText(setup(1)), /invalid computation/);
  },
);

nodeTest("while one scheduler has the node, another does not get it", async (scene) => {
  await scene.setUp(1);
  const other = scene.compute(2, { schedulerPort: 1 });
  equal(await scene.askText({ kind: "COMPUTE", compute: other }), "Node busy");
  await scene.close(1);
  equal(decodeIntAnswer(await scene.ask({ kind: "COMPUTE", compute: other }), ""), 2);
});

nodeTest(
  "the scheduler that has the node is answered when it greets again, after a restart",
  async (scene) => {
    await scene.setUp(1);
    await scene.greet();
    equal((await scene.until("PONG", 2)).cpus, 2);
    // dispy's own schedulers lose jobs for which they find no CPU free: not while jobs run.
    await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
    await scene.greet();
    equal(scene.all("PING"), []);
    scene.language.jobs[0]!.end();
    const ping = await scene.until("PING");
    ok(ping.kind === "PING" && ping.from === "node" && ping.sign === scene.pong.sign);
    equal(scene.all("PONG").length, 2);
  },
);

nodeTest(
  "a computation that is here already is answered with 0, as dispynode does",
  async (scene) => {
    await scene.setUp(1);
    const again = await scene.ask({ kind: "COMPUTE", compute: scene.compute(1) });
    equal(decodeIntAnswer(again, ""), 0);
  },
);

nodeTest(
  "a computation is closed once its jobs are done, or at once when told so",
  async (scene) => {
    await scene.setUp(1, { cleanup: "tidy" });
    await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
    const closing = scene.close(1);
    match(await scene.askText({ kind: "JOB", job: scene.job(2, 1) }), /^Invalid job/);
    equal(scene.language.calls, ["open", "setup"]);
    const again = scene.close(1, true);
    equal([await closing, await again], [ACK, ACK]);
    equal(scene.language.calls, ["open", "setup", "cleanup", "close"]);
    equal((await scene.until("JOB_REPLY")).reply.status, JobStatus.Terminated);
    equal([...Deno.readDirSync(`${scene.folder}/127.0.0.1`)], []);
  },
);

nodeTest("only who knows a computation's auth may close it or ask for its jobs", async (scene) => {
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  const auth = "c".repeat(40);
  const request = { kind: "CLOSE", computeId: 1, auth, nodeIpAddr: "127.0.0.1" } as const;
  await scene.ask({ ...request, terminatePending: true, close: true });
  equal(decodeUidsAnswer(await scene.ask({ kind: "JOBS", computeId: 1, auth }), ""), []);
  equal(scene.language.jobs[0]!.terminated, 0);
});

nodeTest("a setup that fails is told, and the computation is dropped", async (scene) => {
  scene.language.outcome = Promise.resolve({ kind: "failed", reason: "no such file" });
  await scene.ask({ kind: "COMPUTE", compute: scene.compute(1) });
  equal(await scene.askText(setup(1)), "no such file");
  match(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), /^Invalid job/);
});

Deno.test("a setup that takes longer than its limit has failed", async () => {
  await using scene = await Scene.open({ setupTimeoutMs: 20 });
  scene.language.outcome = new Promise(() => {});
  await scene.ask({ kind: "COMPUTE", compute: scene.compute(1) });
  match(await scene.askText(setup(1)), /^"setup" has not finished in time/);
  equal(scene.language.calls.includes("close"), true);
});

nodeTest(
  "a reset computation waits for another setup, which its scheduler is told",
  async (scene) => {
    await scene.setUp(1, { cleanup: "tidy" });
    equal(await scene.close(1, false, false), ACK);
    equal(scene.resets, 1);
    equal(scene.language.calls, ["open", "setup", "cleanup", "close", "open"]);
    equal(await scene.askText(setup(1)), ACK);
    equal(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), ACK);
  },
);

Deno.test("a job that takes longer than its limit is ended, and its client is told why", async () => {
  await using scene = await Scene.open({ jobTimeoutMs: 20 });
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  const { reply } = await scene.until("JOB_REPLY");
  equal(reply.status, JobStatus.Terminated);
  match(String(reply.exception), /longer than 0\.02 s/);
});

Deno.test("what a job returns when its time is up reaches its client, and the reason with it", async () => {
  await using scene = await Scene.open({ jobTimeoutMs: 500 });
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  const [job] = scene.language.jobs;
  job!.terminate = () => job!.end({ ...FINISHED, stderr: "oh\n" });
  const { reply } = await scene.until("JOB_REPLY");
  equal([reply.status, loads(reply.result!)], [JobStatus.Finished, "result"]);
  match(String(reply.stderr), /^oh\nended by the node: the job took longer than 0\.5 s\n$/);
});

nodeTest("a result that is not acknowledged is fetched by who asks for it, once", async (scene) => {
  scene.acknowledges = false;
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  scene.language.jobs[0]!.end();
  await scene.until("JOB_REPLY");
  const request = PyDict.from({ compute_id: 1n, auth: AUTH, uid: 1n, hash: "hash 1" });
  let reply = loads(await scene.askRaw(...encodeTagged("RETRIEVE_JOB", request)));
  while (reply === null) {
    reply = loads(await scene.askRaw(...encodeTagged("RETRIEVE_JOB", request)));
  }
  equal(decodeJobReply(reply).uid, 1);

  const pending = loads(await scene.askRaw(...encodeTagged("PENDING_JOBS", request)));
  equal([(pending as PyDict).get("done"), (pending as PyDict).get("pending")], [[1n], 0n]);
  using stream = await scene.open(...encodeTagged("RETRIEVE_JOB", request));
  await stream.readMessage(1 << 20);
  await stream.writeMessage(new TextEncoder().encode(ACK));
  await stream.waitForClose();
  equal(loads(await scene.askRaw(...encodeTagged("RETRIEVE_JOB", request))), null);
});

nodeTest("RESEND_JOB_RESULTS counts and brings what was not acknowledged", async (scene) => {
  scene.acknowledges = false;
  await scene.setUp(1);
  for (const uid of [1, 2]) await scene.ask({ kind: "JOB", job: scene.job(uid, 1) });
  scene.language.jobs[0]!.end();
  await scene.until("JOB_REPLY");
  const query = { kind: "RESEND_JOB_RESULTS", computeId: 1, auth: AUTH } as const;
  const count = async () => decodeIntAnswer(await scene.ask(query), "");
  // One is kept, after a moment, and one runs.
  while (await count() < 2);
  scene.acknowledges = true;
  const before = scene.all("JOB_REPLY").length;
  await scene.ask(query);
  const { reply } = await scene.until("JOB_REPLY", before + 1);
  equal(reply.uid, 1);
  while (await count() > 1);
});

nodeTest(
  "what a running job sends goes to its scheduler while nobody else is named",
  async (scene) => {
    await scene.setUp(1);
    await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
    const [job] = scene.language.jobs as [FakeJob];
    const result = FINISHED.result;
    ok(await job.host.provisionalResult({ result, relay: false, timeoutMs: null }));
    const { reply } = await scene.until("JOB_REPLY");
    equal([reply.uid, reply.status, reply.result], [1, JobStatus.ProvisionalResult, result]);
  },
);

Deno.test("pulses come as often as asked for, and tell how many CPUs are busy", async () => {
  await using scene = await Scene.open();
  await scene.setUp(1, { pulseIntervalS: 0.02 });
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  await scene.until("PULSE", 2);
  const count = scene.all("PULSE").length;
  const pulse = await scene.until("PULSE", count + 1);
  equal([pulse.cpus, pulse.ipAddr, pulse.port], [1, "127.0.0.1", scene.nodePort]);
});

Deno.test("a scheduler that answers pulses keeps its idle computation", async () => {
  await using scene = await Scene.open({ zombieIntervalMs: 100 });
  await scene.setUp(1);
  await scene.until("PULSE", 15);
  equal(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), ACK);
});

Deno.test("a scheduler that is silent for long loses its computation, and is told", async () => {
  await using scene = await Scene.open({ zombieIntervalMs: 60 });
  scene.answersPulses = false;
  await scene.setUp(1);
  const { sign } = await scene.until("TERMINATED");
  equal(sign, scene.pong.sign);
  match(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), /^Invalid job/);
});

Deno.test("of a scheduler that was started again, what it does not ask for is closed", async () => {
  await using scene = await Scene.open({ zombieIntervalMs: 100 });
  await scene.setUp(1);
  await scene.greet("e".repeat(40));
  await scene.setUp(2);
  for (let pulses = 1; !scene.language.calls.includes("close"); pulses++) {
    await scene.until("PULSE", pulses);
  }
  match(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), /^Invalid job/);
  equal(await scene.askText({ kind: "JOB", job: scene.job(2, 2) }), ACK);
  equal(scene.all("TERMINATED"), []);
});

Deno.test("a job that comes twice is acknowledged twice, and runs once", async () => {
  await using scene = await Scene.open();
  await scene.setUp(1);
  for (let times = 0; times < 2; times++) {
    equal(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), ACK);
  }
  equal(scene.language.jobs.length, 1);
});

Deno.test("a job's second run is known for as long as it runs, whenever the first ends", async () => {
  await using scene = await Scene.open();
  await scene.setUp(1);
  const job = scene.job(1, 1);
  await scene.ask({ kind: "JOB", job });
  await scene.ask({ kind: "JOB", job: { ...job, hash: "second" } });
  scene.language.jobs[0]!.end();
  await scene.until("JOB_REPLY");
  equal(decodeUidsAnswer(await scene.ask({ kind: "JOBS", computeId: 1, auth: AUTH }), ""), [1]);
  await scene.ask({ kind: "TERMINATE_JOB", job });
  const { reply } = await scene.until("JOB_REPLY", 2);
  equal([reply.hash, reply.status], ["second", JobStatus.Terminated]);
});

Deno.test("a node that leaves ends its jobs, sends no results of them, and says farewell", async () => {
  const scene = await Scene.open();
  await scene.setUp(1);
  await scene.ask({ kind: "JOB", job: scene.job(1, 1) });
  await scene.node.shutdown();
  equal(scene.language.jobs[0]!.terminated, 1);
  equal(scene.all("JOB_REPLY"), []);
  equal(scene.all("TERMINATED").length, 1);
  await scene.leave();
});

Deno.test("a node that serves two computations is over when both are closed", async () => {
  await using scene = await Scene.open({ serve: 2 });
  await scene.setUp(1);
  await scene.close(1);
  await scene.setUp(2);
  await scene.close(2);
  await scene.node.over;
  match(await scene.askText({ kind: "COMPUTE", compute: scene.compute(3) }), /does not serve/);
});

nodeTest(
  "a client may name the folder of its computations, below its scheduler's",
  async (scene) => {
    const compute = (id: number, destPath: string, cleanup: boolean) =>
      scene.compute(id, { destPath, cleanup });
    for (const destPath of ["../up", "a/../../up"]) {
      match(
        await scene.askText({ kind: "COMPUTE", compute: compute(1, destPath, true) }),
        /^Could not create destination path: .*leads upwards$/,
      );
    }
    const folder = `${scene.folder}/127.0.0.1/named/data/mine`;
    await scene.setUp(1, { destPath: "data/mine", cleanup: false });
    await scene.setUp(2, { destPath: "/data/mine", cleanup: true });
    await Deno.writeTextFile(`${folder}/made by a job`, "");
    // The other one still has the folder.
    await scene.close(2);
    equal([...Deno.readDirSync(folder)].length, 1);
    await scene.close(1);
    equal([...Deno.readDirSync(folder)].length, 1);
    await scene.setUp(3, { destPath: "data/mine", cleanup: true });
    // One that is refused takes nothing of it away.
    await scene.askText({
      kind: "COMPUTE",
      compute: scene.compute(4, { destPath: "data/mine", cleanup: true, code: "refused" }),
    });
    equal([...Deno.readDirSync(folder)].length, 1);
    await scene.close(3);
    equal([...Deno.readDirSync(`${scene.folder}/127.0.0.1/named/data`)], []);
  },
);

Deno.test("an absolute dest_path is a place below the node's folder, even with --force_cleanup", async () => {
  await using scene = await Scene.open({ forceCleanup: true });
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/of others`, "");
  await scene.setUp(1, { destPath: folder, cleanup: false });
  const own = `${scene.folder}/127.0.0.1/named${folder}`;
  await Deno.writeTextFile(`${own}/made by a job`, "");
  await scene.close(1);
  equal([...Deno.readDirSync(folder)].map(({ name }) => name), ["of others"]);
  equal((await Deno.stat(own).catch(() => null)) === null, true);
  await Deno.remove(folder, { recursive: true });
});

nodeTest("a relay's greeting is answered where it says that the scheduler is", async (scene) => {
  const relay = {
    kind: "PING",
    from: "relay",
    version: "4.15.1",
    port: scene.port,
    // Nobody is at the first of them.
    ipAddrs: ["127.0.0.99", "127.0.0.1"],
  } as const;
  await scene.send({ ...relay, sign: "d".repeat(40) });
  const pong = await scene.until("PONG", 2);
  equal([pong.version, pong.schedulerIpAddr], ["4.15.1", "127.0.0.1"]);
  equal(pong.auth, authCode("", "d".repeat(40)));

  // A relay that does not know the scheduler's sign: the scheduler has to greet by itself.
  await scene.send({ ...relay, sign: null });
  const ping = await scene.until("PING");
  ok(ping.kind === "PING" && ping.from === "node");
  equal([ping.sign, ping.port, ping.schedulerIpAddr], [
    scene.pong.sign,
    scene.nodePort,
    "127.0.0.1",
  ]);
});

nodeTest("greetings of others are not answered while a scheduler has the node", async (scene) => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await scene.setUp(1);
  await scene.send({
    kind: "PING",
    from: "relay",
    version: "4.15.2",
    port: other.addr.port,
    sign: "d".repeat(40),
    ipAddrs: ["127.0.0.1"],
  });
  await scene.close(1);
  // The first who connects is the test itself.
  using own = await Deno.connect({ hostname: "127.0.0.1", port: other.addr.port });
  using first = await other.accept();
  equal(first.remoteAddr, own.localAddr);
});

nodeTest(
  "a node says which scheduler greets it with another secret than its own",
  async (scene) => {
    const lines: string[] = [];
    configureLogging({ level: "warning", format: "text", write: (line) => lines.push(line) });
    const greeting = scene.greeting("c".repeat(40));
    const { sign } = scene.pong;
    for (const proof of [FILLER_AUTH, authCode("", sign), authCode("other", sign)]) {
      await scene.send(greeting, proof);
      await scene.send(greeting, proof);
    }
    const said = lines.filter((line) => line.includes("another secret"));
    equal(said.length, 1);
    match(said[0]!, /a scheduler has another secret.*--secret_file.*from=127\.0\.0\.1/);
  },
);

nodeTest(
  "a job whose computation's folder is gone is refused, so that it is sent again",
  async (scene) => {
    await scene.setUp(1);
    equal(await scene.askText({ kind: "JOB", job: scene.job(1, 1) }), ACK);
    const [job] = scene.language.jobs;
    await Deno.remove(job!.computation.folder, { recursive: true });
    const answer = await scene.askText({ kind: "JOB", job: scene.job(2, 1) });
    match(answer, /^Invalid job \(.*folder.* is gone\)/);
    job!.end();
    const { reply } = await scene.until("JOB_REPLY");
    equal([reply.uid, reply.status], [1, JobStatus.Finished]);
    await scene.setUp(1);
    equal(await scene.askText({ kind: "JOB", job: scene.job(2, 1) }), ACK);
  },
);
