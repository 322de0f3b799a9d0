/**
 * What `wire` needs of a connection.
 *
 * @module
 */

/** One end of a connection. */
export interface StreamAddress {
  readonly hostname: string;
  readonly port: number;
}

/**
 * A two-way stream of bytes: `Deno.TcpConn` is one as it stands, and so can be a TLS connection
 * or a pair of buffers in memory.
 */
export interface ByteStream {
  /** Reads at least one byte into `buffer`; returns how many, or `null` at the stream's end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of `data`; returns how many bytes it took. */
  write(data: Uint8Array): Promise<number>;
  /** Ends the stream in both directions; pending operations fail. */
  close(): void;
  /**
   * Tells the peer that nothing more will come, where the transport has a way to: dispy's TLS
   * servers close a connection only after that.
   */
  endWriting?(): Promise<void>;
  /** Sends small writes at once, where the transport has a say in it. */
  setNoDelay?(noDelay?: boolean): void;
  readonly remoteAddr: StreamAddress;
  readonly localAddr: StreamAddress;
}
