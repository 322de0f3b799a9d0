import { assert } from "@std/assert/assert.js";
import { assertEquals } from "@std/assert/equals.js";
import { assertThrows } from "@std/assert/throws.js";
import { AUTH_LENGTH_BYTES, authCode, authMatches } from "../../../src/wire/auth.ts";
import { FILLER_AUTH, newSign, SIGN_RANDOM_BYTES } from "../../../src/wire/auth.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

Deno.test("auth codes are those of dispy.auth_code", () => {
  // hashlib.sha1((secret + sign).encode()).hexdigest().encode() of CPython
  assertEquals(text(authCode("", "")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  assertEquals(text(authCode("secret", "abc")), "338127540dccbe48589a0ff30875548fc24c74c8");
  assertEquals(text(authCode("sésame€", "0f")), "4b03bf7e936f370f21875ab98f11c3cafc1af401");
  assertEquals(authCode("", "").length, AUTH_LENGTH_BYTES);
});

Deno.test("auth codes match only when all their bytes are the same", () => {
  const code = authCode("secret", "sign");
  assert(authMatches(code, authCode("secret", "sign")));
  assert(!authMatches(code, authCode("secret", "sigN")));
  assert(!authMatches(code, code.subarray(1)));
  assert(!authMatches(code, FILLER_AUTH));
  assert(!authMatches(code, new Uint8Array(0)));
});

Deno.test("auth codes match as views into a larger message", () => {
  const message = new Uint8Array(100);
  const code = authCode("secret", "sign");
  message.set(code, 13);
  assert(authMatches(code, message.subarray(13, 53)));
});

Deno.test("a sign is 40 hex digits of the random bytes", () => {
  const random = Uint8Array.from({ length: SIGN_RANDOM_BYTES }, (_, i) => i);
  assertEquals(newSign(random), "000102030405060708090a0b0c0d0e0f10111213");
  assertThrows(() => newSign(new Uint8Array(0)), RangeError);
});
