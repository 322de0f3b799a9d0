import { assertEquals } from "@std/assert/equals.js";
import { canonicalAddress } from "../../../src/wire/mod.ts";

const CASES: [string, string, string][] = [
  ["10.0.0.5", "10.0.0.5", "an IPv4 address"],
  ["node5.example.org", "node5.example.org", "a name"],
  ["::ffff:10.0.0.5", "10.0.0.5", "an IPv4 address at an IPv6 socket"],
  ["fd00::1", "fd00::1", "an IPv6 address"],
  ["FD00::A", "fd00::a", "capital letters"],
  ["fe80::1%eth0", "fe80::1", "a scope"],
  ["fd00:0:a:b:c:d:e:f", "fd00::a:b:c:d:e:f", "one group of zeros"],
  ["fd00:0000:000a:b:c:d:e:0f", "fd00::a:b:c:d:e:f", "leading zeros"],
  ["::1", "::1", "the loopback address"],
  ["::", "::", "the unspecified address"],
  ["fd00:0:1::2", "fd00:0:1::2", "an address that dispy spoils"],
];

for (const [address, canonical, what] of CASES) {
  Deno.test(`${what} is written as dispy writes it: ${address}`, () => {
    assertEquals(canonicalAddress(address), canonical);
  });
}
