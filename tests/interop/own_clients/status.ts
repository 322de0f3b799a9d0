/** What a program is told while things happen; which part is the first argument. */

import { createHash, randomBytes } from "node:crypto";
import { python, SharedJobCluster } from "../../../src/client/mod.ts";
import { described, emit, Nodes, play, report } from "./peer.ts";

async function order(): Promise<void> {
  const nodes = new Nodes();
  const cluster = await SharedJobCluster.open({
    computation: python<[number], number>({
      code: `
def work(number):
    import time
    time.sleep(0.2)
    if number == 3:
        raise KeyError('no')
    return number
`,
    }),
    onNode: (node, event) => {
      emit("node", { node: node.ipAddr, told: event, cpus: node.cpus });
      nodes.onNode(node, event);
    },
    onJob: (job, event) => emit("told", { job: job.id, told: event, node: job.ipAddr }),
  });
  await nodes.untilReady(2);
  const jobs = [0, 1, 2, 3, 4, 5].map((number) => cluster.submit([number]));
  await cluster.wait();
  emit("jobs", { ids: jobs.map((job) => job.id) });
  await cluster.close();
}

async function lifecycle(): Promise<void> {
  const first = python<[number], number>({
    code: "def first(number):\n    import time\n    time.sleep(0.1)\n    return number + 1\n",
  });
  const second = python<[number], number>({
    code: "def second(number):\n    import time\n    time.sleep(0.05)\n    return number * 2\n",
  });
  const nodes = new Nodes();
  const cluster = await SharedJobCluster.open({ computation: first, onNode: nodes.onNode });
  await nodes.untilReady(2);
  const jobs = Array.from({ length: 8 }, (_, number) => cluster.submit([number]));
  emit("pending", { jobs: cluster.pendingJobs });
  const ids = [];
  for await (const job of cluster.results()) ids.push(job.id);
  const results = await Promise.all(jobs.map((job) => job.result));
  emit("waited", { ids: ids.sort(), results });
  emit("status", {
    nodes: [...cluster.nodes.values()]
      .map(({ ipAddr, name, cpus, busy }) => [ipAddr, name, cpus, busy]).sort(),
    done: [...cluster.nodes.values()].reduce((sum, { jobsDone }) => sum + jobsDone, 0),
  });
  await cluster.close();
  try {
    cluster.submit([1]);
  } catch (error) {
    emit("closed", { error: (error as Error).name });
  }
  const [one, two] = await Promise.all(
    [first, second].map((computation) => SharedJobCluster.open({ computation })),
  );
  emit("both", {
    results: await Promise.all([one, two].map((each) => each!.submit([10]).result)),
  });
  await Promise.all([one!.close(), two!.close()]);
}

async function cancel(): Promise<void> {
  const running = Promise.withResolvers<void>();
  await using cluster = await SharedJobCluster.open({
    computation: python<[number], number>({
      code: "def work(seconds):\n    import time\n    time.sleep(seconds)\n    return seconds\n",
    }),
    onJob: (_, event) => {
      if (event === "Running") running.resolve();
    },
  });
  const first = cluster.submit([60]);
  await running.promise;
  const abort = new AbortController();
  const queued = cluster.submit([61], { signal: abort.signal });
  const last = cluster.submit([0.05]);
  await queued.accepted;
  abort.abort();
  emit("job", await described(queued));
  await first.cancel();
  emit("job", await described(first));
  emit("job", await described(last));
  await last.cancel();
  emit("job", await described(cluster.submit([1], { signal: AbortSignal.abort() })));
}

async function provisional(): Promise<void> {
  const relay = Deno.args[1] === "relay";
  await using cluster = await SharedJobCluster.open({
    computation: python<[boolean], unknown>({
      code: `
def improving(relay):
    import time
    sent = []
    for step in range(3):
        time.sleep(0.1)
        sent.append(dispy_provisional_result(['step', step], relay=relay))
    time.sleep(0.1)
    return ['sent', sent]
`,
    }),
    onJob: (job, event) => {
      if (event === "ProvisionalResult") emit("told", { result: job.provisionalResult });
    },
  });
  const job = cluster.submit([relay]);
  for await (const result of job.provisionalResults()) emit("iterated", { result });
  emit("job", await described(job));
}

async function filesBack(): Promise<void> {
  const folder = Deno.args[2];
  await using cluster = await SharedJobCluster.open({
    computation: python<[boolean], unknown>({
      code: `
def make(relay):
    import os
    import time
    time.sleep(0.05)
    with open('small.txt', 'w') as fd:
        fd.write('made on the node')
    os.mkdir('sub')
    with open('sub/big.bin', 'wb') as fd:
        fd.write(bytes(range(256)) * 12000)
    with open('empty', 'w') as fd:
        pass
    return [dispy_send_file(name, relay=relay) for name in
            ('small.txt', 'sub/big.bin', 'empty', 'missing')]
`,
    }),
    ...(folder === undefined ? {} : { filesFolder: folder }),
    onFile: ({ path, sizeBytes, job }) => emit("file", { path, sizeBytes, job: job.id }),
  });
  emit("job", await described(cluster.submit([Deno.args[1] === "relay"])));
}

async function filesThere(): Promise<void> {
  const direct = Deno.args[1] === "direct";
  const content = randomBytes(3_000_000);
  await Deno.writeFile("sent.bin", content);
  await Deno.chmod("sent.bin", 0o640);
  await Deno.utime("sent.bin", 1_000_000_000, 1_000_000_000);
  const expected = createHash("sha256").update(content).digest("hex");
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({
    computation: python<[string], [string, number, number]>({
      code: `
def read(name):
    import hashlib
    import os
    import time
    time.sleep(0.03)
    with open(name, 'rb') as fd:
        info = os.stat(name)
        return [hashlib.sha256(fd.read()).hexdigest(), info.st_mode & 0o777, int(info.st_mtime)]
`,
    }),
    onNode: nodes.onNode,
  });
  await nodes.untilReady(2);
  for (const node of ["127.0.0.2", "127.0.0.3"]) {
    await cluster.sendFile("sent.bin", node, { direct });
    const [digest, mode, changed] = await cluster.submit(["sent.bin"], { node }).result;
    emit("job", { same: digest === expected, mode, changed });
  }
  try {
    await cluster.sendFile("sent.bin", "127.0.0.99", { direct });
  } catch (error) {
    emit("nowhere", { error: (error as Error).name });
  }
}

async function mapping(): Promise<void> {
  const nodes = new Nodes();
  await using cluster = await SharedJobCluster.open({
    computation: python<[number], number>({
      code: "def work(n):\n    import time\n    time.sleep(0.05)\n    return n * n\n",
    }),
    onNode: nodes.onNode,
  });
  await nodes.untilReady(1);
  let asked = 0;
  function* endless(): Generator<[number]> {
    for (;;) yield [asked++];
  }
  const results: number[] = [];
  for await (const job of cluster.map(endless(), { concurrency: 3, ordered: true })) {
    results.push(await job.result);
    if (results.length === 6) break;
  }
  emit("mapped", { results, asked, pending: cluster.pendingJobs });
  await report([]);
}

async function waiting(): Promise<void> {
  const told = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  await using cluster = await SharedJobCluster.open({
    computation: python<[number], number>({
      code: "def work(n):\n    import time\n    time.sleep(0.05)\n    return n * n\n",
    }),
    nodes: ["127.0.0.99"],
    onWaiting: ({ reasons }) => {
      emit("waits", { kinds: reasons.map(({ kind }) => kind) });
      (reasons.length > 0 ? told : over).resolve();
    },
  });
  const job = cluster.submit([3]);
  await told.promise;
  await cluster.allocateNode("127.0.0.2");
  emit("result", { result: await job.result });
  await over.promise;
}

await play({
  waiting,
  order,
  lifecycle,
  cancel,
  provisional,
  filesBack,
  filesThere,
  mapping,
});
