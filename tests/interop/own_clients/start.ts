/** Starts programs that use our own client library. */

import { Client, type ClientRun } from "../harness/client.ts";
import type { ClientOptions, Lab } from "../harness/lab.ts";

const HERE = new URL("./", import.meta.url).pathname;

/** Starts a program of this folder in a working directory of its own. */
export async function startOwnClient(
  lab: Lab,
  program: string,
  options: ClientOptions = {},
): Promise<Client> {
  const cwd = await lab.folder("client");
  for (const [path, text] of Object.entries(options.files ?? {})) {
    await Deno.writeTextFile(`${cwd}/${path}`, text);
  }
  const config = `${lab.root}/deno.json`;
  const argv = ["deno", "run", "--no-prompt", "--config", config];
  argv.push("--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys");
  argv.push(`${HERE}${program}`, ...(options.args ?? []).map(String));
  const name = options.name ?? `own client ${program}`;
  return new Client(lab.start(name, argv, cwd, options.namespace, options.env));
}

/** Runs a program of this folder to its good end. */
export async function runOwnClient(
  lab: Lab,
  program: string,
  options: ClientOptions = {},
): Promise<ClientRun> {
  return await (await startOwnClient(lab, program, options)).succeeded();
}
