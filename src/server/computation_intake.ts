/**
 * New computations.
 *
 * @module
 */

import { type NodeAllocation, onClusterClosed, onClusterReceived } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { dumpChunks, PyTuple } from "../pickle/mod.ts";
import { StoreError } from "../store/file_store.ts";
import {
  type ClientComputeRequest,
  type Compute,
  CURRENT_RELEASE,
  type Dialect,
  encodeClientComputeAnswer,
  type MessageStream,
  newSign,
  type NodeAllocate,
  type NodeAllocSpec,
  SIGN_RANDOM_BYTES,
  type XferFile,
} from "../wire/mod.ts";
import { platformNeeded } from "../wire/platform_words.ts";
import { messageOf } from "../log/error_message.ts";
import { externalOf, isLoopback } from "../net/addresses.ts";
import { splitAsked, TermsError, termsOf } from "./cluster_terms.ts";
import type { Computation } from "./computation.ts";
import type { ClientReleases } from "./dialects.ts";
import type { Context } from "./context.ts";
import { fileRefusal } from "./file_limits.ts";
import { computationSize } from "./holding_sizes.ts";
import { type KeptPayload, totalBytes } from "./kept_payload.ts";
import type { Holding, HoldingSize } from "./memory_budget.ts";
import { FileSet } from "./file_set.ts";
import { COMPUTATION_FORM, type ComputationPayload, headOf } from "./payload_forms.ts";
import { fileRecorder, type SetupSpec } from "./persistence.ts";

const log = getLogger("clientside");

/** As of a name in the DNS. */
const MAX_ADDRESS_LENGTH = 253;

/** See the module's description. */
export class ComputationIntake {
  constructor(private readonly context: Context, private readonly releases: ClientReleases) {}

  /**
   * Takes a computation, or tells the client why not.
   *
   * @param sizeBytes How long the request is.
   */
  async take(
    stream: MessageStream,
    request: ClientComputeRequest,
    sizeBytes: number,
  ): Promise<void> {
    const fault = this.context.engine.cannotKeep(sizeBytes) ?? this.#refusal(stream, request);
    // Only of one in which nothing is wrong the parts can be told.
    if (fault !== null) return await this.#refuse(stream, request, fault);
    const intended = partsOf(request);
    const refusal = this.#excess(stream, intended) ?? await this.#notListening(request) ??
      // Others may have taken the room meanwhile.
      this.#excess(stream, intended);
    if (refusal !== null) return await this.#refuse(stream, request, refusal);
    const kept = await this.#keep(stream, intended);
    if (typeof kept === "string") return await this.#refuse(stream, request, kept);
    const computation = this.#add(stream, request, intended, kept);
    const { cluster, clientAuth: auth } = computation;
    log.info("computation received", {
      computation: cluster.name,
      id: cluster.id,
      client: `${computation.client.hostname}:${computation.client.port}`,
      exclusive: request.exclusive,
    });
    const { engine } = this.context;
    await engine.committed();
    const unkept = engine.cannotKeep(0);
    if (unkept !== null) {
      engine.post((core, nowMs) => onClusterClosed(core, cluster, true, nowMs));
      return await this.#refuse(stream, request, unkept);
    }
    this.context.payloads.committed(kept.payload, cluster.id);
    await stream.writeMessage(
      encodeClientComputeAnswer({ kind: "accepted", computeId: cluster.id, auth }),
    );
  }

  #dialectOf(
    stream: MessageStream,
    { oldestRelease, pickleProtocol }: ClientComputeRequest,
  ): Dialect {
    return this.releases.dialectFor(
      stream.remoteAddr.hostname,
      oldestRelease ?? CURRENT_RELEASE,
      pickleProtocol,
    );
  }

  /** Why there is no room for what is to be kept, or `null`. */
  #excess(stream: MessageStream, { size, payload }: Parts): string | null {
    const { hostname } = stream.remoteAddr;
    const { residentBytes } = size;
    const keptBytes = size.keptBytes + COMPUTATION_FORM.sizeOf(payload);
    const { budget } = this.context.payloads;
    return budget.holdingRefusal(hostname, "this computation", { keptBytes, residentBytes });
  }

  /** Keeps what may be large; in words why not, where that fails. */
  async #keep(stream: MessageStream, { size, payload }: Parts): Promise<Kept | string> {
    const { payloads } = this.context;
    const { hostname } = stream.remoteAddr;
    const holding = payloads.budget.hold(hostname, size);
    try {
      return { holding, payload: await payloads.keep(COMPUTATION_FORM, payload, hostname) };
    } catch (error) {
      holding.release();
      if (!(error instanceof StoreError)) throw error;
      return `the scheduler could not keep it: ${error.message}`;
    }
  }

  async #refuse(stream: MessageStream, { compute }: ClientComputeRequest, reason: string) {
    const client = stream.remoteAddr.hostname;
    log.warning("computation refused", { computation: compute.name, client, reason });
    await stream.writeMessage(encodeClientComputeAnswer({ kind: "refused", reason }));
  }

  /** A file of the computation that its client has not sent, in words, or `null`. */
  missingFile({ compute, cluster, files }: Computation): string | null {
    for (const xfer of [...compute.xferFiles, ...cluster.allocations.flatMap(dependsOf)]) {
      if (typeof xfer === "string") return `the file ${xfer} is on the client's machine only`;
      if (files.find(xfer) === undefined) {
        return `the file ${xfer.name} has not come${files.refusal}`;
      }
    }
    return null;
  }

  #refusal(stream: MessageStream, request: ClientComputeRequest): string | null {
    const { compute, nodeAllocs } = request;
    if (this.context.engine.core.shuttingDown) return "the scheduler is shutting down";
    if (!compute.schedulerIpAddr || !compute.jobResultPort || !compute.auth) {
      return "the computation does not say where its client is";
    }
    // It stands in the row of each job.
    if (compute.schedulerIpAddr.length > MAX_ADDRESS_LENGTH) {
      return "its client's address is too long";
    }
    const port = compute.jobResultPort;
    const { generation } = this.#dialectOf(stream, request);
    const isOurs = this.context.options.families.some((family) =>
      port === family.nodeSide || port === family.clientSide
    );
    if (isOurs && compute.schedulerIpAddr === stream.localAddr.hostname) {
      // dispy's client goes on where it could not bind its port, and then waits for ever.
      return `the client's port ${port} is this scheduler's own: both run on one machine; ` +
        `create SharedJobCluster with ${generation === "dispy ≥ 4.11" ? "client_port" : "port"}=0`;
    }
    if (nodeAllocs.length === 0) return "the computation names no nodes";
    try {
      for (const { host } of nodeAllocs) splitAsked(host);
    } catch (error) {
      if (error instanceof TermsError) return error.message;
      throw error;
    }
    const files: (XferFile | string)[] = [
      ...compute.xferFiles,
      ...nodeAllocs.flatMap(({ depends }) => depends),
    ];
    for (const xfer of files) {
      const refusal = typeof xfer === "string" ? null : fileRefusal(this.context.options, xfer);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  /**
   * Where client and scheduler share a machine: a client that was told `localhost`, but listens at
   * the machine's address on the network, would wait for ever for what we tell it.
   */
  async #notListening({ compute }: ClientComputeRequest): Promise<string | null> {
    const { addresses: { known }, clientTransport } = this.context;
    const hostname = compute.schedulerIpAddr!;
    const isOnNetwork = known.length === 0 || !known.every(({ address }) => isLoopback(address));
    if (!isLoopback(hostname) || !isOnNetwork) return null;
    try {
      using _stream = await clientTransport.connect(hostname, compute.jobResultPort!);
      return null;
    } catch (error) {
      return `${messageOf(error)}: results could not be brought to this client; if it listens at ` +
        "another address of this machine, create SharedJobCluster with scheduler_host=THAT ADDRESS";
    }
  }

  #add(
    stream: MessageStream,
    request: ClientComputeRequest,
    { allocations, head }: Parts,
    { payload: kept, holding }: Kept,
  ): Computation {
    const { compute, nodeAllocs, exclusive } = request;
    const hostname = compute.schedulerIpAddr!;
    const dialect = this.#dialectOf(stream, request);
    const asked = Object.assign({}, ...nodeAllocs.map(({ host }) => splitAsked(host).asked));
    const { options: { clusterRules }, journal } = this.context;
    const terms = termsOf(clusterRules, compute.name, hostname, asked);
    const cluster = this.context.engine.post((core, nowMs) =>
      onClusterReceived(core, `${compute.name} @ ${hostname}`, {
        allocations: [...allocations],
        reentrant: compute.reentrant,
        exclusive,
        terms,
        // Other nodes would refuse it, each again and again.
        platform: platformNeeded(compute),
        generation: dialect.generation,
      }, nowMs)
    );
    const computation: Computation = {
      cluster,
      dialect,
      compute: head,
      kept,
      owner: stream.remoteAddr.hostname,
      holding,
      clientAuth: compute.auth!,
      nodeAuth: newSign(crypto.getRandomValues(new Uint8Array(SIGN_RANDOM_BYTES))),
      client: { hostname, port: compute.jobResultPort! },
      schedulerIpAddr: externalOf(this.context.addresses.known, stream.localAddr.hostname),
      files: new FileSet(journal && fileRecorder(journal, cluster.id)),
      terms,
    };
    this.context.computations.add(computation);
    return computation;
  }
}

/** What is kept of a request: what may be large apart from what is needed at any time. */
interface Parts {
  readonly head: Compute;
  readonly allocations: readonly NodeAllocation[];
  readonly payload: ComputationPayload;
  readonly size: HoldingSize;
}

/** Where that is. */
interface Kept {
  readonly payload: KeptPayload<ComputationPayload>;
  readonly holding: Holding;
}

/** From here on, arguments for the setup of nodes are kept with the code. */
const LARGE_SETUP_BYTES = 4 * 1024;

function partsOf({ compute, nodeAllocs }: ClientComputeRequest): Parts {
  const head = headOf(compute);
  const inline = totalBytes(dumpChunks(nodeAllocs.map(({ setupArgs }) => setupArgs)));
  const setupArgs = inline > LARGE_SETUP_BYTES ? nodeAllocs.map((each) => each.setupArgs) : [];
  const allocations = nodeAllocs.map((entry, at) => {
    const allocation = toAllocation(entry);
    const setup: SetupSpec = setupArgs.length === 0
      ? { ...entry, argsAt: null }
      : { ...entry, setupArgs: NO_ARGS, argsAt: at };
    return { ...allocation, setup };
  });
  return {
    head,
    allocations,
    payload: { compute, setupArgs },
    size: computationSize(head, allocations),
  };
}

const NO_ARGS = new PyTuple([]);

/** The core's view of an entry of a client's node list. */
export function toAllocation(entry: NodeAllocSpec | NodeAllocate): NodeAllocation {
  const spec: NodeAllocSpec = "host" in entry ? entry : { ...entry, host: entry.ipAddr };
  const { pattern } = splitAsked(spec.host);
  const setup: SetupSpec = { ...spec, argsAt: null };
  return { pattern, port: spec.port, cpus: spec.cpus, setup };
}

function dependsOf(allocation: NodeAllocation): readonly (XferFile | string)[] {
  return (allocation.setup as NodeAllocSpec).depends;
}
