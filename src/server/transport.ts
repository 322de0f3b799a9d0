/**
 * Connections to peers and from them.
 *
 * @module
 */

import { type Deadlines, MessageStream, WireError } from "../wire/mod.ts";

/** Makes outgoing connections with a time limit, and wraps incoming ones. */
export class Transport {
  constructor(private readonly deadlines: Deadlines, private readonly timeoutMs: number) {}

  /** A connection that a peer has opened. */
  wrap(connection: Deno.TcpConn): MessageStream {
    return new MessageStream(connection, {
      deadlines: this.deadlines,
      timeoutMs: this.timeoutMs,
    });
  }

  /**
   * Opens a connection.
   *
   * @throws {WireError} `connect` where that fails or takes too long
   */
  async connect(hostname: string, port: number): Promise<MessageStream> {
    const abort = new AbortController();
    const target = { onDeadline: () => abort.abort() };
    this.deadlines.arm(target, this.timeoutMs);
    try {
      const connection = await Deno.connect({
        hostname,
        port,
        autoSelectFamily: false,
        signal: abort.signal,
      });
      return this.wrap(connection);
    } catch (error) {
      const why = abort.signal.aborted
        ? `no answer within ${this.timeoutMs / 1000} s`
        : error instanceof Error
        ? error.message
        : String(error);
      throw new WireError("connect", `cannot connect to ${hostname} port ${port}: ${why}`, {
        cause: error,
      });
    } finally {
      this.deadlines.disarm(target);
    }
  }
}
