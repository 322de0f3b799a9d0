/**
 * What can go wrong, as classes that name the cause. All of them derive from
 * {@linkcode DispyError}.
 *
 * @module
 */

/** The base of all errors of the client library. */
export class DispyError extends Error {
  override readonly name: string = "DispyError";
}

/** No connection with the scheduler: wrong address or port, or it does not run. */
export class SchedulerUnreachableError extends DispyError {
  override readonly name = "SchedulerUnreachableError";
}

/** The scheduler is there but has another cluster secret. */
export class WrongSecretError extends DispyError {
  override readonly name = "WrongSecretError";
}

/** The scheduler gives no answer to a greeting with our version of dispy. */
export class VersionRefusedError extends DispyError {
  override readonly name = "VersionRefusedError";
}

/** The certificate or key cannot be used, or the scheduler shows another certificate. */
export class TlsError extends DispyError {
  override readonly name = "TlsError";
}

/** What the scheduler says is not what it should say: maybe something else listens there. */
export class ProtocolError extends DispyError {
  override readonly name = "ProtocolError";
}

/** The scheduler does not take the computation; the message says why, as the scheduler did. */
export class ComputationRefusedError extends DispyError {
  override readonly name = "ComputationRefusedError";
}

/** The scheduler no longer knows the computation: it was restarted without its state. */
export class ComputationLostError extends DispyError {
  override readonly name = "ComputationLostError";
}

/** The scheduler does not take a job: for a node that is not allocated, or past a limit. */
export class JobRefusedError extends DispyError {
  override readonly name = "JobRefusedError";
}

/** A job was not taken by the scheduler before its time limit for that was over. */
export class SubmitTimeoutError extends DispyError {
  override readonly name = "SubmitTimeoutError";
}

/** What a failed job left behind. */
export interface JobFailure {
  /** The job's id. */
  readonly jobId: number | string;
  /** Address of the node that ran it; `null` where not known. */
  readonly ipAddr: string | null;
  /** The whole traceback or stack; `null` where the node gave none. */
  readonly exception: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The computation threw an exception in a job, or its process died. */
export class JobFailedError extends DispyError implements JobFailure {
  override readonly name = "JobFailedError";
  readonly jobId: number | string;
  readonly ipAddr: string | null;
  readonly exception: string | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(failure: JobFailure, options?: ErrorOptions) {
    const where = failure.ipAddr === null ? "" : ` at ${failure.ipAddr}`;
    super(`job ${failure.jobId} failed${where}: ${summary(failure)}`, options);
    this.jobId = failure.jobId;
    this.ipAddr = failure.ipAddr;
    this.exception = failure.exception;
    this.stdout = failure.stdout;
    this.stderr = failure.stderr;
  }
}

/** The line that says what happened: Python puts it last, JavaScript first. */
function summary({ exception }: JobFailure): string {
  if (exception === null) return "its process ended without a result";
  const lines = exception.trimEnd().split("\n");
  const isTraceback = (lines[0] ?? "").startsWith("Traceback ");
  return (isTraceback ? lines.at(-1) : lines[0]) ?? "";
}

/** The job was cancelled, by this program or by a scheduler that shut down. */
export class JobCancelledError extends DispyError {
  override readonly name = "JobCancelledError";
}

/** The job's node is gone, and the job may not be run again (`reentrant`). */
export class JobAbandonedError extends DispyError {
  override readonly name = "JobAbandonedError";
}

/** A value has no counterpart in the computation's language. */
export class UnsupportedValueError extends DispyError {
  override readonly name = "UnsupportedValueError";
}

/** A job's result is there but cannot be read; the cause says why. */
export class ResultUnreadableError extends DispyError {
  override readonly name = "ResultUnreadableError";
}

/** A file cannot be read, sent or received. */
export class FileTransferError extends DispyError {
  override readonly name = "FileTransferError";
}

/** The scheduler did not do what was asked about a node. */
export class NodeRequestError extends DispyError {
  override readonly name = "NodeRequestError";
}

/** The port for the scheduler's replies cannot be opened. */
export class ListenError extends DispyError {
  override readonly name = "ListenError";
}

/** A recovery file cannot be written, or is not one. */
export class RecoveryFileError extends DispyError {
  override readonly name = "RecoveryFileError";
}

/** The cluster is closed, or is being closed. */
export class ClosedError extends DispyError {
  override readonly name = "ClosedError";
}

/** `JobCluster` was asked for where it cannot be had. */
export class JobClusterUnavailableError extends DispyError {
  override readonly name = "JobClusterUnavailableError";
}
