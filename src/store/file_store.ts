/**
 * Where files that clients send are kept until nodes have them. What such a file is called
 * here has nothing to do with what its sender calls it, so that no name can lead anywhere.
 *
 * @module
 */

/** Bytes of a file, in order. */
export interface FileReader {
  /** Reads into `buffer`; returns how many bytes, or `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  close(): void;
}

/** A file that is kept. */
export interface KeptFile {
  /** By which a store on disk finds it again, also in a later run. */
  readonly number: number;
  readonly sizeBytes: number;
  /** Of its bytes; `null` = it was not made. */
  readonly sum: number | null;
  /** Its reader throws {@linkcode DamagedFileError} instead of the last bytes where any is wrong. */
  open(): Promise<FileReader>;
  /** Whether nobody else has removed it. */
  isThere(): Promise<boolean>;
  /** Removes it, if it is there; readers that are open may go on. */
  remove(): Promise<void>;
}

/** A file that is being received. */
export interface FileWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** All bytes are there: keep the file. */
  finish(): Promise<KeptFile>;
  /** Something went wrong: leave nothing behind. */
  abort(): Promise<void>;
}

/** Keeps the files of clients. */
export interface FileStore {
  /** Where files are kept, in words for the log. */
  readonly description: string;
  /** Whether files take no memory. */
  readonly isOnDisk: boolean;
  /**
   * Begins a file that is to have `sizeBytes` bytes.
   *
   * @throws {StoreError} where there is no room for it
   */
  create(sizeBytes: number): Promise<FileWriter>;
  /** Writes a file that was kept, and is gone, again. */
  rewrite(file: KeptFile): Promise<FileWriter>;
  /** Whether what it keeps is where it was put, as far as that can be told at once. */
  isInPlace(): boolean;
  /**
   * Makes it usable again where it is not {@linkcode isInPlace}, with none of the files that it had.
   *
   * @throws {StoreError} where that cannot be done
   */
  renew(): Promise<void>;
  /** Ends the use of the store; removes what is left, unless it is to be kept. */
  close(options: { keep: boolean }): Promise<void>;
}

/** A file cannot be kept; the message says why and what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** A file that is kept is not what was written. */
export class DamagedFileError extends Error {
  override readonly name = "DamagedFileError";
}
