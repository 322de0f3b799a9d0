/**
 * The ports that belong together.
 *
 * @module
 */

/** The ports of one dispy generation: base, base + 1, base + 2. */
export interface PortFamily {
  /** Where we take messages from nodes, by TCP and UDP. */
  readonly nodeSide: number;
  /** Where nodes are, by TCP and UDP. */
  readonly node: number;
  /** Where we take requests of clients, by TCP. */
  readonly clientSide: number;
}
