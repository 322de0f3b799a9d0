/**
 * Gives up permissions that a command does not need. The program as one file has them all, as its
 * node must; what has been given up cannot be had back, whatever a message of a stranger brings
 * about.
 *
 * @module
 */

/** Names of permissions, as Deno calls them. */
export type PermissionName = Deno.PermissionDescriptor["name"];

/** From here on this process may no longer do these things; it does not ask either. */
export function giveUp(...names: readonly PermissionName[]): void {
  for (const name of names) Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
}
