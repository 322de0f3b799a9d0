import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { configureLogging } from "../../../src/log/log.ts";
import {
  Admission,
  ADMISSION_LIMITS,
  type AdmissionLimits,
  type Guest,
} from "../../../src/net/admission.ts";
import { Deadlines } from "../../../src/wire/mod.ts";

/** An admission whose clock and known addresses a test sets, with what it logs. */
class Scene implements Disposable {
  readonly known = new Set<string>();
  readonly deadlines = new Deadlines();
  readonly lines: string[] = [];
  readonly admission: Admission;
  nowMs = 0;

  constructor(limits: Partial<AdmissionLimits> = {}) {
    configureLogging({
      level: "info",
      format: "text",
      write: (line) => this.lines.push(line.replace(/^\S+ \S+ /, "")),
    });
    this.admission = new Admission({
      peers: "client",
      isKnown: (address) => this.known.has(address),
      deadlines: this.deadlines,
      timeoutMs: 5000,
      limits: { ...ADMISSION_LIMITS, ...limits },
      nowMs: () => this.nowMs,
    });
  }

  /** Connects; `closed` says what was closed from our side. */
  connect(address: string, closed: string[] = [], name = address): Guest | null {
    return this.admission.admit(address, () => closed.push(name));
  }

  /** How many of `count` connections from `address` that are over at once are let in. */
  letIn(address: string, count: number): number {
    let letIn = 0;
    for (let number = 0; number < count; number++) {
      const guest = this.connect(address);
      if (guest !== null) letIn++;
      guest?.leave();
    }
    return letIn;
  }

  [Symbol.dispose](): void {
    this.deadlines.stop();
    configureLogging({ level: "error", format: "text" });
  }
}

Deno.test("a stranger's address may connect at a limited rate, others do not suffer from it", () => {
  using scene = new Scene({ rate: { burst: 100, perSecond: 10 } });
  assertEquals(scene.letIn("192.0.2.1", 500), 100);
  assertEquals(scene.letIn("192.0.2.2", 50), 50);
  scene.nowMs += 1000;
  assertEquals(scene.letIn("192.0.2.1", 500), 10);
  assertEquals(scene.lines, [
    "WARN  dispyscheduler.admission: peer turned away side=client from=192.0.2.1 " +
    'reason="it connects too often" limit_per_s=10',
  ]);
});

Deno.test("known addresses, and those that have proved the secret, connect as often as they like", () => {
  using scene = new Scene({ rate: { burst: 10, perSecond: 1 } });
  scene.known.add("192.0.2.1");
  assertEquals(scene.letIn("192.0.2.1", 10_000), 10_000);
  scene.connect("192.0.2.2")?.proved();
  assertEquals(scene.letIn("192.0.2.2", 10_000), 10_000);
  assertEquals(scene.lines, []);
});

Deno.test("a stranger's connection ends when its time is up, unless it proves the secret", async () => {
  const deadlines = new Deadlines(5);
  const admission = new Admission({
    peers: "node",
    isKnown: (address) => address === "192.0.2.3",
    deadlines,
    timeoutMs: 20,
  });
  const closed: string[] = [];
  const ended = Promise.withResolvers<void>();
  admission.admit("192.0.2.2", () => closed.push("honest"))?.proved();
  admission.admit("192.0.2.3", () => closed.push("node"));
  admission.admit("192.0.2.1", () => {
    closed.push("stranger");
    ended.resolve();
  });
  // The timer of deadlines does not keep a process alive.
  const alive = setInterval(() => {}, 1000);
  await ended.promise;
  clearInterval(alive);
  assertEquals(closed, ["stranger"]);
  assertEquals(admission.open, 2);
  deadlines.stop();
});

Deno.test("with too many connections of strangers the oldest makes room", () => {
  using scene = new Scene({ maxOfStrangers: 3 });
  const closed: string[] = [];
  for (let n = 1; n <= 5; n++) assert(scene.connect(`192.0.2.${n}`, closed) !== null);
  assertEquals(closed, ["192.0.2.1", "192.0.2.2"]);
  assertEquals(scene.admission.open, 3);
  assertEquals(scene.lines.length, 1);
});

Deno.test("with too many of one stranger's address its own oldest makes room", () => {
  using scene = new Scene({ maxOfStrangersAddress: 2 });
  const closed: string[] = [];
  scene.connect("192.0.2.9", closed);
  for (const name of ["a", "b", "c"]) scene.connect("192.0.2.1", closed, name);
  assertEquals(closed, ["a"]);
});

Deno.test("connections of known addresses that are in use are not closed to make room", () => {
  using scene = new Scene({ maxOfKnownAddress: 2, maxConnections: 3 });
  scene.known.add("192.0.2.1").add("192.0.2.2");
  const closed: string[] = [];
  scene.connect("192.0.2.1", closed)?.stay();
  scene.connect("192.0.2.1", closed)?.stay();
  assertEquals(scene.connect("192.0.2.1", closed), null);
  scene.connect("192.0.2.9", closed);
  // All places are taken: the stranger's goes first, and then there is none.
  assert(scene.connect("192.0.2.2", closed) !== null);
  assertEquals(scene.connect("192.0.2.2", closed), null);
  assertEquals(scene.connect("192.0.2.8", closed), null);
  assertEquals(closed, ["192.0.2.9"]);
});

Deno.test("places are free again when connections are over, however often they are told so", () => {
  using scene = new Scene({ maxOfStrangersAddress: 2 });
  for (let n = 0; n < 50; n++) {
    const guest = scene.connect("192.0.2.1");
    guest?.leave();
    guest?.leave();
  }
  assertEquals(scene.admission.open, 0);
  assertEquals(scene.deadlines.size, 0);
});

Deno.test("no more strangers are remembered than the limit, whatever they send", () => {
  using scene = new Scene({ maxRemembered: 100 });
  for (let n = 0; n < 10_000; n++) {
    const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
    const guest = scene.connect(address);
    if (n % 2 === 0) guest?.proved();
    guest?.leave();
    scene.admission.admitsDatagram(address);
  }
  assert(scene.admission.remembered <= 200, `${scene.admission.remembered}`);
});

Deno.test("of an IPv6 network all strangers count as one", () => {
  using scene = new Scene({ rate: { burst: 4, perSecond: 1 } });
  const addresses = ["2001:db8::1", "2001:db8::2:1", "2001:db8:0:0:9::", "2001:db8::5:6:7:8"];
  for (const address of addresses) assertEquals(scene.letIn(address, 1), 1);
  assertEquals(scene.letIn("2001:db8:0:0:1:2:3:4", 1), 0);
  assertEquals(scene.letIn("2001:db8:0:1::1", 1), 1);
});

Deno.test("datagrams are limited for every address, as it may be made up", () => {
  using scene = new Scene({ rate: { burst: 5, perSecond: 1 } });
  scene.known.add("192.0.2.1");
  let seen = 0;
  for (let n = 0; n < 20; n++) if (scene.admission.admitsDatagram("192.0.2.1")) seen++;
  assertEquals(seen, 5);
  assertEquals(scene.letIn("192.0.2.1", 20), 20);
});

Deno.test("bad messages are one warning an address, and a limited number in all", () => {
  using scene = new Scene();
  for (let n = 0; n < 50; n++) scene.admission.complain("192.0.2.1", "connection ended", "x");
  assertEquals(scene.lines.length, 1);
  for (let n = 0; n < 5000; n++) {
    scene.admission.complain(`10.0.${n >> 8}.${n & 255}`, "connection ended", "x");
  }
  assertEquals(scene.lines.length, 100);
});
