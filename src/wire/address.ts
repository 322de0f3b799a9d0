/**
 * Addresses as dispy writes them: peers are told apart by this text.
 *
 * @module
 */

import { isIP } from "node:net";

/** An IPv4 peer at a socket that serves IPv6 too. */
const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Writes an address as dispy does (`_node_ipaddr` in `dispy/__init__.py`): an IPv6 address without
 * its scope (`%eth0`) and with every group of zeros left out, so `fd00:0:a:b:c:d:e:f` becomes
 * `fd00::a:b:c:d:e:f`; an IPv4 address as it is.
 *
 * @param address An IP address as a socket or the system names it; other text is left alone.
 * @returns The text to compare and to announce. An address that dispy's way would spoil
 *   (`fd00:0:1::2`, which no dispy peer can use) stays as it is.
 */
export function canonicalAddress(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const unscoped = address.replace(/%.*$/, "");
  if (isIP(unscoped) !== 6) return address;
  const canonical = unscoped.toLowerCase()
    .replace(/^0+/, "").replaceAll(/:0+/g, ":").replaceAll(/::+/g, "::");
  return isIP(canonical) === 6 ? canonical : unscoped;
}
