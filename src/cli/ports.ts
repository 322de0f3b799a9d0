import { ALL_DISPYS, DISPY_4_15, type PortFamily } from "../net/port_family.ts";
import { UsageError } from "./usage_error.ts";

/** The first port of today's dispy, which our own programs use as well. */
export const DISPY_BASE_PORT = DISPY_4_15.basePort;

/** The ports at which a scheduler may serve clients, the likeliest first. */
export const CLIENT_PORTS: readonly number[] = ALL_DISPYS.map(({ basePort }) => basePort + 2)
  .reverse();

/**
 * The ports to serve: all families of dispy, in the order of its releases, or the one that was
 * chosen. The families may name the same `clientSide` or `node` port (given by --scheduler_port or
 * --node_port).
 */
export type PortPlan =
  | { readonly kind: "all"; readonly families: readonly PortFamily[] }
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
 * Decides which ports are used. `--port n` chooses the one family n, n+1, n+2; without it all
 * families of dispy are served. `--scheduler_port` and `--node_port` replace the client and the node
 * port in whatever is served: without `--port` the node sides of all families stay, with the one
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
  return { kind: "all", families: ALL_DISPYS.map(({ basePort }) => family(basePort)) };
}
