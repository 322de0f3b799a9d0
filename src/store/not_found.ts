/**
 * Files that may be gone.
 *
 * @module
 */

/** What to catch errors with where a file may be gone: gives `instead`, throws all other errors. */
export function ifNotFound<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Deno.errors.NotFound) return instead;
    throw error;
  };
}
