import { deepStrictEqual as equal } from "node:assert/strict";
import { OwnAuthSessions } from "../../../src/node/own_auth_sessions.ts";

const auth = (n: number) => new TextEncoder().encode(String(n).padStart(40, "0"));

Deno.test("a proof opens requests again and again, one that was never given out opens none", () => {
  const sessions = new OwnAuthSessions();
  sessions.add(auth(1));
  equal([1, 1, 2].map((n) => sessions.accepts(auth(n))), [true, true, false]);
});

Deno.test("greetings of others, however many, do not drive out a proof that is in use", () => {
  const sessions = new OwnAuthSessions();
  sessions.add(auth(0));
  equal(sessions.accepts(auth(0)), true);
  for (let n = 1; n < 1000; n++) sessions.add(auth(n));
  equal([0, 1, 999].map((n) => sessions.accepts(auth(n))), [true, false, true]);
});
