/** Messages of dispy before 4.11, as its own classes wrote them. */

import { assertEquals } from "@std/assert/equals.js";
import { decodeBase64 } from "@std/encoding/base64.js";
import { loads, PyDict, PySet, PyTuple, type PyValue } from "../../../src/pickle/mod.ts";
import {
  callsInTodaysForm,
  decodeBareJobReply,
  decodeClientRequest,
  decodeToNode,
  dialectOf,
  encodeBareJobReply,
  encodeCpusAnswer,
  encodeToClient,
  encodeToNode,
  hasSetupCall,
  JobStatus,
  type ToNodeRequest,
} from "../../../src/wire/mod.ts";
import { instanceAttributes } from "../../../src/wire/records/instance.ts";
import { splitTag } from "../../../src/wire/tags.ts";
import { ofKind, plain } from "./assertions.ts";
import { joined } from "./codecs.ts";
import releases from "./fixtures/old_messages.json" with { type: "json" };

type Name = keyof typeof releases["4.10.6"];

const COMPUTE_ID = 1700000000123;

for (const [release, messages] of Object.entries(releases)) {
  const dialect = dialectOf(release);
  const message = (name: Name) => decodeBase64(messages[name]);
  const bodyOf = (bytes: Uint8Array): PyValue => loads(splitTag(bytes).body);
  const rewritten = (name: Name): { request: ToNodeRequest; body: PyValue } => {
    const request = decodeToNode(message(name));
    return { request, body: bodyOf(joined(encodeToNode(request, dialect))) };
  };
  const sameAttributes = (ours: PyValue, theirs: PyValue, names: readonly string[]) => {
    const [left, right] = [instanceAttributes(ours, ""), instanceAttributes(theirs, "")];
    for (const name of names) assertEquals(plain(left.get(name)), plain(right.get(name)), name);
  };

  Deno.test(`${release}: a client's computation is read, with its node list and what it is of`, () => {
    const request = ofKind(decodeClientRequest(message("client_compute")), "COMPUTE");
    assertEquals(request.nodeAllocs.map(({ host, port, cpus }) => [host, port, cpus]), [
      ["192.0.2.*", 51348, -1],
      ["192.0.2.7", null, 0],
    ]);
    assertEquals(request.compute.xferFiles.map(({ name }) => name), ["/home/user/data.bin"]);
    const knowsExclusive = !["4.6.18", "4.7.7"].includes(release);
    assertEquals(request.oldestRelease, knowsExclusive ? "4.8.0" : "4.6.0");
  });

  Deno.test(`${release}: setup has its arguments in the computation, and becomes today's`, () => {
    const { compute } = ofKind(decodeClientRequest(message("client_compute")), "COMPUTE");
    assertEquals(hasSetupCall(compute), true);
    const todays = callsInTodaysForm(compute)!;
    assertEquals(todays.compute.setup, "(lambda a, k, *_: prepare(*a, **k))");
    assertEquals(todays.compute.cleanup, true);
    assertEquals(
      plain(todays.setupArgs),
      plain(
        new PyTuple([
          new PyTuple([10n]),
          PyDict.from({ second: 5n }),
          new PyTuple([]),
          new PyDict(),
        ]),
      ),
    );
    assertEquals(callsInTodaysForm({ ...compute, setup: null }), null);
  });

  Deno.test(`${release}: a job and a wish for a node are read`, () => {
    const { job } = ofKind(decodeClientRequest(message("client_job")), "JOB");
    assertEquals([job.uid, job.computeId, job.hash], [null, COMPUTE_ID, "0123456789abcdef0123"]);
    assertEquals(plain(loads(job.args)), plain(new PyTuple([1n, "two"])));
    const { nodeAllocs } = ofKind(decodeClientRequest(message("allocate_node")), "ALLOCATE_NODE");
    assertEquals(nodeAllocs.map(({ ipAddr, cpus }) => [ipAddr, cpus]), [["192.0.2.*", -1]]);
  });

  Deno.test(`${release}: its nodes get what its own scheduler sends them`, () => {
    const compute = rewritten("node_compute");
    const theirs = bodyOf(message("node_compute"));
    assertEquals(instanceAttributes(compute.body, "").get("xfer_files") instanceof PySet, true);
    sameAttributes(compute.body, theirs, [
      ...["type", "name", "id", "code", "reentrant", "setup", "cleanup", "auth"],
      ...["scheduler_ip_addr", "scheduler_port", "job_result_port", "pulse_interval"],
    ]);

    assertEquals(rewritten("node_setup").body, BigInt(COMPUTE_ID));

    const job = rewritten("node_job");
    const slots = [...instanceAttributes(job.body, "")].map(([name]) => name);
    assertEquals(
      slots.toSorted(),
      [...instanceAttributes(bodyOf(message("node_job")), "")].map(([name]) => name).toSorted(),
    );
    sameAttributes(job.body, bodyOf(message("node_job")), slots as string[]);
  });

  Deno.test(`${release}: a job that sends a file runs, also where its status is None`, () => {
    const reply = decodeBareJobReply(message("job_file_reply"));
    assertEquals([reply.uid, reply.status, reply.startTimeS], [7, JobStatus.Running, 1700000005.5]);
  });

  Deno.test(`${release}: its clients get what they can read`, () => {
    const reply = decodeBareJobReply(message("job_file_reply"));
    const told = loads(joined(encodeBareJobReply({ ...reply, result: null }, dialect)));
    const result = instanceAttributes(told, "").get("result") as Uint8Array;
    assertEquals(loads(result), null);
    const answer = encodeCpusAnswer({ ipAddr: "192.0.2.7", cpus: 3 }, dialect);
    assertEquals(plain(loads(answer)), plain(loads(message("cpus_answer"))));
    const scheduled = encodeToClient(
      { kind: "SCHEDULED", computeId: COMPUTE_ID, pulseIntervalS: 0.2 },
      dialect,
    );
    const interval = (bodyOf(joined(scheduled)) as PyDict).get("pulse_interval");
    assertEquals(Number(interval), 1);
  });
}
