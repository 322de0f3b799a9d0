import { assertEquals } from "@std/assert/equals.js";
import { escapeControls, escapeJson, quote } from "../../../src/log/escape.ts";

Deno.test("line breaks, escape sequences, C1 controls and separators become visible", () => {
  assertEquals(
    escapeControls("a\r\nb\tc\u001b[2Jd\u0085e\u2028f\u007f\u0000"),
    "a\\r\\nb\\tc\\u001b[2Jd\\u0085e\\u2028f\\u007f\\u0000",
  );
});

Deno.test("bidirectional overrides, invisible characters and lone surrogates become visible", () => {
  assertEquals(escapeControls("\u202eabc\u200b\ufeff\ud800"), "\\u202eabc\\u200b\\ufeff\\ud800");
  assertEquals(escapeControls("\u{e0001}"), "\\udb40\\udc01");
});

Deno.test("ordinary text of any script stays as it is", () => {
  const text = 'Zürich 北京 🚀 c:\\temp "x"';
  assertEquals(escapeControls(text), text);
});

Deno.test("a quoted text cannot end early", () => {
  assertEquals(quote('a" b=\\"\n'), '"a\\" b=\\\\\\"\\n"');
});

Deno.test("escaped JSON is the same value on one printable line", () => {
  const value = { name: "\u0085\u202e\u007f\n\ud800", "k\u2028": 1 };
  const json = escapeJson(JSON.stringify(value));
  assertEquals(JSON.parse(json), value);
  assertEquals(escapeControls(json), json);
});
