import { assertEquals } from "@std/assert/equals.js";
import { isSensitive, REDACTED, toLoggable } from "../../../src/log/redact.ts";

for (
  const name of [
    "secret",
    "node_secret",
    "clusterSecret",
    "auth",
    "node-auth",
    "sign",
    "args",
    "kwargs",
    "jobArgs",
    "result",
    "jobResult",
    "payload",
    "stdout",
    "exception",
    "keyPem",
    "PASSWORD",
  ]
) {
  Deno.test(`a property named ${name} is never shown, whatever its type`, () => {
    for (const value of ["x", 42, true, ["x"], new Uint8Array(2), { a: 1 }]) {
      assertEquals(toLoggable(name, value), REDACTED);
    }
  });
}

Deno.test("names that only contain a sensitive word's letters are shown", () => {
  for (const name of ["author", "signal", "design", "authority", "resultant", "argsort"]) {
    assertEquals(isSensitive(name, "x"), false, name);
  }
});

Deno.test("numbers and flags about something sensitive are shown, texts are not", () => {
  assertEquals(toLoggable("resultSizeBytes", 12), 12);
  assertEquals(toLoggable("auth_ok", false), false);
  assertEquals(toLoggable("resultText", "x"), REDACTED);
});

Deno.test("sensitive properties are hidden at any depth, in objects, arrays and maps", () => {
  assertEquals(
    toLoggable("message", [{ auth: "x", id: 1 }, new Map([["secret", "y"]])]),
    [{ auth: REDACTED, id: 1 }, { secret: REDACTED }],
  );
});

Deno.test("bytes are counted, not shown", () => {
  assertEquals(toLoggable("frame", new Uint8Array(5)), "<5 bytes>");
  assertEquals(toLoggable("frame", new ArrayBuffer(3)), "<3 bytes>");
});

Deno.test("what is long, wide, deep or cyclic is cut", () => {
  assertEquals(
    toLoggable("text", "a".repeat(2005)),
    "a".repeat(2000) + "… (5 more characters)",
  );
  const items = toLoggable("list", Array.from({ length: 60 }, (_, index) => index)) as unknown[];
  assertEquals(items.length, 51);
  assertEquals(items[50], "… 10 more");
  const wide = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`k${index}`, index]));
  assertEquals(Object.keys(toLoggable("map", wide) as object).length, 51);
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  assertEquals(toLoggable("cyclic", cyclic), { self: { self: { self: { self: "{…}" } } } });
});

Deno.test("values JSON has no form for are shown and never throw", () => {
  assertEquals(toLoggable("big", 2n ** 70n), "1180591620717411303424");
  assertEquals(toLoggable("nan", NaN), "NaN");
  assertEquals(toLoggable("nothing", null), null);
  assertEquals(toLoggable("when", new Date(0)), "1970-01-01T00:00:00.000Z");
  assertEquals(toLoggable("when", new Date(NaN)), null);
  assertEquals(toLoggable("error", new RangeError("too far")), "RangeError: too far");
  assertEquals(toLoggable("set", new Set([1, "a"])), [1, "a"]);
  assertEquals(toLoggable("symbol", Symbol("s")), "Symbol(s)");
  assertEquals(toLoggable("callback", () => 1), "<function>");
  const angry = {
    get value(): number {
      throw new Error("no");
    },
  };
  assertEquals(toLoggable("angry", angry), "<unreadable: no>");
});
