/**
 * The system's own folder for temporary files, found without looking into the environment.
 *
 * @module
 */

import { dirname } from "node:path";

/** Its path; the same at every start. */
export async function temporaryFolder(): Promise<string> {
  const probe = await Deno.makeTempDir();
  await Deno.remove(probe);
  return dirname(probe);
}
