/**
 * Computations: taken, set up, reset and closed as their scheduler says.
 *
 * @module
 */

import { join } from "node:path";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { dumps, PyTuple } from "../pickle/mod.ts";
import {
  ACK,
  callsInTodaysForm,
  type Compute,
  ComputeType,
  CURRENT_RELEASE,
  dialectOf,
  encodeIntAnswer,
  type MessageStream,
  type NodeCloseRequest,
  type NodeComputeRequest,
  programFile,
  type SetupRequest,
} from "../wire/mod.ts";
import { encodeNodeClosed } from "../wire/node_closed.ts";
import { type ComputationFolder, ComputationFolders, scratchFolder } from "./computation_folder.ts";
import { type ComputationHold, NO_CONTAINMENT } from "./containment/containment.ts";
import type { NodeContext } from "./context.ts";
import { filePath, sizeRefusal } from "./file_intake.ts";
import { FileUses } from "./file_uses.ts";
import { HeldComputation, type NodeCompute } from "./held_computations.ts";
import type { Jobs } from "./jobs.ts";
import { markedEnvironment, newComputationMark } from "./marks.ts";
import { ownAddress } from "./own_address.ts";
import { endProcesses } from "./process_tree.ts";
import { type ComputationRunner, RunnerError, type SetupOutcome } from "./runner.ts";

const log = getLogger("node");

const ENCODER = new TextEncoder();

/** How long a cleanup function may take: nobody waits for it for ever. */
const CLEANUP_LIMIT_MS = 30_000;

/** Of stdout, and of stderr, of a job so much is kept. */
const JOB_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What the node does when computations come and go. */
export interface ComputationEvents {
  /** Whether computations are taken at this time. */
  isOpen(): boolean;
  /** One more is here. */
  onTaken(): void;
  /** One was closed. */
  onClosed(): void;
}

const NO_ARGS = new PyTuple([]);

/** A computation is not taken; the message says why. */
class Refusal extends Error {}

/** See the module's description. */
export class Computations {
  readonly #folders: ComputationFolders;

  constructor(
    private readonly context: NodeContext,
    private readonly jobs: Jobs,
    private readonly events: ComputationEvents,
  ) {
    this.#folders = new ComputationFolders(context.options.folder, context.access);
  }

  /** `COMPUTE:` takes a computation, or says why not. */
  async take(stream: MessageStream, request: NodeComputeRequest): Promise<void> {
    const { held, options } = this.context;
    const todays = callsInTodaysForm(request.compute);
    const compute = todays?.compute ?? request.compute;
    let computation: HeldComputation;
    try {
      const scheduler = this.#checked(stream, compute);
      if (held.has(scheduler.id)) {
        // The scheduler then closes what it has forgotten, and tries again.
        return await stream.writeMessage(encodeIntAnswer(0));
      }
      const { id, schedulerIpAddr: host, schedulerPort: port, nodeIpAddr } = scheduler;
      held.arrive(id, { host, port, nodeIpAddr });
      try {
        computation = await this.#opened(scheduler);
      } finally {
        held.leave(id);
      }
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof RunnerError)) throw error;
      log.warning("computation refused", { computation: compute.name, reason: error.message });
      return await stream.writeMessage(ENCODER.encode(error.message));
    }
    computation.setupArgs = todays?.setupArgs ?? null;
    computation.needsNoSetupRequest = compute.setup === null &&
      dialectOf(request.oldestRelease ?? CURRENT_RELEASE).setup === "id_where_needed";
    held.add(computation);
    try {
      await stream.writeMessage(encodeIntAnswer(options.cpus));
    } catch (error) {
      await this.#closeOnce(computation, false);
      throw error;
    }
    log.info("computation taken", {
      computation: compute.name,
      scheduler: computation.scheduler.host,
      language: computation.language.name,
    });
    this.events.onTaken();
  }

  /** `SETUP:` runs a computation's setup function, however long that takes. */
  async setUp(stream: MessageStream, { computeId, setupArgs }: SetupRequest): Promise<void> {
    const computation = this.context.held.get(computeId);
    if (computation === undefined || computation.runner === null) {
      return await stream.writeMessage(ENCODER.encode("invalid computation"));
    }
    if (computation.state !== "received") {
      return await stream.writeMessage(ENCODER.encode("invalid computation: it is set up already"));
    }
    const reason = await this.#setUp(computation, computation.runner, setupArgs);
    if (reason === null) return await stream.writeMessage(ACK);
    try {
      await stream.writeMessage(ENCODER.encode(reason));
    } finally {
      await this.#closeOnce(computation, false);
    }
  }

  /** A job has come: sets its computation up if its scheduler does not ask for that. */
  async setUpForJob(computeId: number): Promise<void> {
    const computation = this.context.held.get(computeId);
    if (computation?.needsNoSetupRequest !== true || computation.runner === null) return;
    const isFirst = computation.state === "received";
    const reason = isFirst
      ? await this.#setUp(computation, computation.runner, NO_ARGS)
      : await computation.setup;
    if (isFirst && reason !== null) await this.#closeOnce(computation, false);
  }

  /** Runs a setup function; returns why it has failed, or `null`. */
  #setUp(
    computation: HeldComputation,
    runner: ComputationRunner,
    setupArgs: PyTuple,
  ): Promise<string | null> {
    const run = async () => {
      computation.touch();
      computation.state = "setting_up";
      const outcome = await within(
        this.context.options.setupTimeoutMs,
        runner.setup(dumps(computation.setupArgs ?? setupArgs)),
      );
      computation.touch();
      if (outcome.kind === "ready" && computation.state === "setting_up") {
        computation.state = "ready";
        return null;
      }
      log.warning("setup of a computation failed", { computation: computation.compute.name });
      return outcome.kind === "failed" ? outcome.reason : "it was closed meanwhile";
    };
    return computation.setup = run();
  }

  /** `CLOSE:` closes a computation once its jobs are done, or resets it. */
  async close(stream: MessageStream, request: NodeCloseRequest): Promise<void> {
    const computation = this.context.held.get(request.computeId);
    const isIts = computation !== undefined && computation.compute.auth === request.auth &&
      // Schedulers before 4.8 do not say it.
      computation.compute.nodeIpAddr === (request.nodeIpAddr ?? computation.compute.nodeIpAddr);
    if (isIts) {
      computation.touch();
      if (request.terminatePending) this.#endJobs(computation);
      if (request.close) await this.dispose(computation);
      else await this.#reset(computation);
    } else {
      log.debug("computation to close is not here", { computation: request.computeId });
    }
    await stream.writeMessage(ACK);
  }

  /** Closes a computation once its jobs are done. Several calls come to the same. */
  async dispose(computation: HeldComputation): Promise<void> {
    const wasReady = computation.state === "ready";
    computation.state = "closing";
    await computation.whenIdle();
    await this.#closeOnce(computation, wasReady);
  }

  /** Checks what can be checked before anything is done. */
  #checked(stream: MessageStream, compute: Compute): NodeCompute & {
    readonly schedulerIpAddr: string;
    readonly schedulerPort: number;
  } {
    const { id, auth, schedulerIpAddr, schedulerPort } = compute;
    // Schedulers before 4.8 do not say at which of its addresses they have found this node.
    const nodeIpAddr = compute.nodeIpAddr ?? stream.localAddr.hostname;
    if (id === null || auth === null || schedulerIpAddr === null || schedulerPort === null) {
      throw new Refusal("Invalid computation request ignored");
    }
    if (!ownAddress(this.context.addresses, nodeIpAddr, stream.localAddr.hostname)) {
      throw new Refusal(`Invalid node address: ${nodeIpAddr}`);
    }
    const { held, options } = this.context;
    const present = held.scheduler;
    if (present !== null && (present.host !== schedulerIpAddr || present.port !== schedulerPort)) {
      throw new Refusal("Node busy");
    }
    if (!this.events.isOpen()) throw new Refusal("Node does not serve at this time");
    for (const xfer of compute.xferFiles) {
      const refusal = sizeRefusal(options.maxFileSizeBytes, xfer);
      if (refusal !== null) throw new Refusal(refusal);
    }
    return { ...compute, id, auth, nodeIpAddr, schedulerIpAddr, schedulerPort };
  }

  async #opened(
    compute: NodeCompute & { readonly schedulerIpAddr: string; readonly schedulerPort: number },
  ): Promise<HeldComputation> {
    const { options } = this.context;
    const { schedulerIpAddr: host, schedulerPort: port } = compute;
    const type = compute.type === ComputeType.Program ? "program" : "function";
    const language = this.context.languages.find((each) => each.accepts({ ...compute, type }));
    if (language === undefined) {
      throw new Refusal(`this node cannot run a ${type} of this kind`);
    }
    let folder: ComputationFolder;
    try {
      const isTemporary = Boolean(compute.cleanup) || options.forceCleanup;
      folder = await this.#folders.make({ ...compute, isTemporary }, host);
    } catch (error) {
      throw new Refusal(`Could not create destination path: ${messageOf(error)}`);
    }
    const hold = await this.#hold();
    const computation = new HeldComputation(
      compute,
      { host, port, nodeIpAddr: compute.nodeIpAddr },
      { host, port: compute.jobResultPort ?? port },
      folder,
      new FileUses(),
      newComputationMark(),
      language,
      hold,
    );
    try {
      computation.runner = await this.#runnerFor(computation);
    } catch (error) {
      await hold.close();
      await folder.abandon();
      throw error;
    }
    return computation;
  }

  async #hold(): Promise<ComputationHold> {
    try {
      return await this.context.containment.hold();
    } catch (error) {
      // There are no more groups to be had: the other means have to do.
      log.warning("a computation has no control group", { reason: messageOf(error) });
      return await NO_CONTAINMENT.hold();
    }
  }

  async #runnerFor(computation: HeldComputation): Promise<ComputationRunner> {
    const { options } = this.context;
    const { compute, folder: { path: folder }, mark, language, hold } = computation;
    const asUser = this.context.jobUser?.launcher ?? [];
    return await language.open({
      computeId: compute.id,
      name: compute.type === ComputeType.Program ? programPath(folder, compute) : compute.name,
      code: compute.code,
      setup: typeof compute.setup === "string" ? compute.setup : null,
      cleanup: typeof compute.cleanup === "string" ? compute.cleanup : null,
      folder,
      scratchFolder: scratchFolder(options.folder),
      nodeName: options.name,
      nodeIpAddr: compute.nodeIpAddr,
      environment: {
        ...this.context.jobUser?.environment,
        ...markedEnvironment(this.context.mark, mark),
      },
      launcher: [...hold.launcher, ...asUser],
      programLauncher: [...hold.programLauncher, ...asUser],
      access: this.context.access,
      limits: { memoryBytes: options.jobMemoryBytes, outputBytes: JOB_OUTPUT_BYTES },
      log: (level, text) => log[level](text, { computation: compute.name }),
    });
  }

  #endJobs({ jobs }: HeldComputation): void {
    for (const job of jobs.values()) this.jobs.end(job, "");
  }

  /** Another setup is about to come, which finds everything as at the beginning. */
  async #reset(computation: HeldComputation): Promise<void> {
    const { compute, scheduler } = computation;
    const wasReady = computation.state === "ready";
    computation.state = "closing";
    await computation.whenIdle();
    await this.#endRunner(computation, wasReady);
    computation.runner = await this.#runnerFor(computation);
    computation.state = "received";
    const { transport, auth: nodeAuth } = this.context;
    try {
      using stream = await transport.connect(scheduler.host, scheduler.port);
      await stream.writeMessage(...encodeNodeClosed({
        computeId: compute.id,
        auth: compute.auth,
        nodeIpAddr: compute.nodeIpAddr,
        nodeAuth,
      }));
      await stream.waitForClose();
    } catch (error) {
      log.debug("scheduler not told of a reset", { reason: messageOf(error) });
    }
  }

  #closeOnce(computation: HeldComputation, withCleanup: boolean): Promise<void> {
    return computation.closed ??= this.#finish(computation, withCleanup);
  }

  async #finish(computation: HeldComputation, withCleanup: boolean): Promise<void> {
    computation.state = "closing";
    const { compute, folder, files, hold } = computation;
    await this.#endRunner(computation, withCleanup);
    await hold.close();
    const wantsRemoval = Boolean(compute.cleanup) || this.context.options.forceCleanup;
    await folder.close(wantsRemoval, files.paths);
    this.context.held.remove(computation);
    log.info("computation closed", { computation: compute.name });
    this.events.onClosed();
  }

  /** Ends everything of a computation that runs. */
  async #endRunner(computation: HeldComputation, withCleanup: boolean): Promise<void> {
    const { runner, mark, compute, hold } = computation;
    computation.runner = null;
    if (runner !== null) {
      const limit = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        log.warning("cleanup of a computation takes too long; ended", {
          computation: compute.name,
          limit_ms: CLEANUP_LIMIT_MS,
        });
        limit.resolve();
      }, CLEANUP_LIMIT_MS);
      if (withCleanup) await Promise.race([runner.cleanup(), limit.promise]);
      clearTimeout(timer);
      await runner.close();
    }
    // Whatever its jobs have left running.
    await endProcesses({ pid: null, mark }, 0);
    await hold.end();
    await this.context.containment.sweep(
      [...this.context.held].map((each) => each.mark).filter((each) => each !== mark),
    );
  }
}

/** A setup, within a time limit; `null` = none. */
async function within(
  timeoutMs: number | null,
  setup: Promise<SetupOutcome>,
): Promise<SetupOutcome> {
  if (timeoutMs === null) return await setup;
  const late = Promise.withResolvers<SetupOutcome>();
  const reason = `"setup" has not finished in time (${timeoutMs / 1000} s)`;
  const timer = setTimeout(() => late.resolve({ kind: "failed", reason }), timeoutMs);
  try {
    return await Promise.race([setup, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Where the program is: its client may have sent it into a folder below the computation's. One that
 * did not come with the computation is looked for in the folder itself, as dispynode does.
 */
function programPath(folder: string, compute: NodeCompute): string {
  const file = programFile(compute);
  if (file !== undefined) return filePath(folder, file);
  const name = compute.name.split(/[/\\]/).at(-1) ?? "";
  if (["", ".", ".."].includes(name)) throw new RunnerError("the program has no name");
  return join(folder, name);
}
