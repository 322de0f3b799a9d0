/** Nobody can reach us; the message says why and what to do. */

import { messageOf } from "../log/error_message.ts";
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Says in plain words why a socket could not be opened. */
export function listenError(
  error: unknown,
  hostname: string,
  protocol: "TCP" | "UDP",
  port: number,
): ListenError {
  if (error instanceof Deno.errors.AddrInUse) {
    return new ListenError(
      `${protocol} port ${port} is taken by another program; stop it or choose others with -p`,
    );
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new ListenError(`${hostname} is no address of this machine; -i takes one of its own`);
  }
  const reason = messageOf(error);
  return new ListenError(`cannot listen at ${hostname} ${protocol} port ${port}: ${reason}`);
}
