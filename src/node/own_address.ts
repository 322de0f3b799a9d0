/**
 * What schedulers are told of our own addresses.
 *
 * @module
 */

import { isIP } from "node:net";
import { externalOf, type OwnAddresses } from "../net/addresses.ts";

/**
 * The address to announce over a connection.
 *
 * @param localAddress The connection's own address.
 * @returns one that the node was told to use, of the same kind, if there are any.
 */
export function announcedAddress(addresses: OwnAddresses, localAddress: string): string {
  const { listenAt, known } = addresses;
  const isUsed = listenAt.length === 0 || listenAt.includes(localAddress);
  const address = isUsed
    ? localAddress
    : listenAt.find((each) => isIP(each) === isIP(localAddress)) ?? localAddress;
  return externalOf(known, address);
}

/**
 * Whether an address is ours, or what a gateway calls us.
 *
 * @param localAddress The address at which we were just reached.
 */
export function ownAddress(
  { known, listenAt }: OwnAddresses,
  address: string,
  localAddress: string,
): boolean {
  if (known.some((own) => own.address === address || own.external === address)) return true;
  // The addresses of interfaces may have changed since the start.
  return listenAt.length === 0 && address === localAddress;
}
