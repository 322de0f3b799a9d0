import { UsageError } from "./usage_error.ts";

/** The first port of dispy up to 4.10, which the manual of dispyscheduler names. */
export const SPEC_BASE_PORT = 51347;

/** The first port of dispy from 4.11. */
export const DISPY_BASE_PORT = 9700;

/** The three ports that work together. */
export interface PortFamily {
  /** Where the scheduler listens for nodes (UDP and TCP). */
  readonly nodeSide: number;
  /** Where nodes listen (UDP and TCP). */
  readonly node: number;
  /** Where the scheduler listens for clients (TCP). */
  readonly clientSide: number;
}

/**
 * The ports to serve: both families of dispy, or the one that was chosen. The two families may name
 * the same `clientSide` or `node` port (given by --scheduler_port or --node_port).
 */
export type PortPlan =
  | { readonly kind: "both"; readonly families: readonly [PortFamily, PortFamily] }
  | { readonly kind: "one"; readonly families: readonly [PortFamily] };

/** The port options as given. */
export interface PortOptions {
  readonly port?: number | undefined;
  readonly schedulerPort?: number | undefined;
  /** How messages say where `schedulerPort` was given. */
  readonly schedulerPortOrigin?: string;
  readonly nodePort?: number | undefined;
}

/**
 * Decides which ports are used. `--port n` chooses the one family n, n+1, n+2; without it both
 * families of dispy are served. `--scheduler_port` and `--node_port` replace the client and the node
 * port in whatever is served: without `--port` the node sides of both families stay, with the one
 * client or node port given.
 *
 * @param options The port options.
 * @returns The ports.
 * @throws {UsageError} When the scheduler would need one port for nodes and clients.
 */
export function planPorts(options: PortOptions): PortPlan {
  const family = (base: number): PortFamily => {
    const clientSide = options.schedulerPort ?? base + 2;
    if (clientSide === base) {
      throw new UsageError(
        `${
          options.schedulerPortOrigin ?? "--scheduler_port"
        }: ${clientSide} is already the port for nodes; give another one for clients`,
      );
    }
    return { nodeSide: base, node: options.nodePort ?? base + 1, clientSide };
  };
  if (options.port !== undefined) return { kind: "one", families: [family(options.port)] };
  return { kind: "both", families: [family(SPEC_BASE_PORT), family(DISPY_BASE_PORT)] };
}
