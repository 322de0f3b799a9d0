/**
 * Another user to run jobs as, for a node that runs as root: `--job_user`.
 *
 * @module
 */

import { messageOf } from "../../log/error_message.ts";

/** See the module's description. */
export interface JobUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** What stands before a command that is to run as that user. */
  readonly launcher: readonly string[];
  /** Variables that say who the user is. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Programs may open their output anew, by `/dev/stdout`, which a pipe lets its owner do alone. */
const GIVE_PIPES = `
for each in 1 2; do [ -p /dev/fd/$each ] && chown "$0" /dev/fd/$each; done
exec "$@"
`;

/** The user cannot run jobs; the message says why and what to do. */
export class JobUserError extends Error {
  override readonly name = "JobUserError";
}

/**
 * Finds a user, and sees that programs can be run as that user.
 *
 * @throws {JobUserError}
 */
export async function findJobUser(name: string): Promise<JobUser> {
  const refuse = (why: string) => new JobUserError(`--job_user ${name}: ${why}`);
  if (Deno.build.os !== "linux") throw refuse("only nodes on Linux can run jobs as another user");
  if (Deno.uid() !== 0) throw refuse("the node must run as root to run jobs as another user");
  const entry = await passwordEntry(name);
  if (entry === null) throw refuse("there is no such user");
  const { uid, gid, home } = entry;
  if (uid === 0) throw refuse("root is what this option is to keep jobs from being");
  const launcher = [
    ...["sh", "-c", GIVE_PIPES, `${uid}:${gid}`],
    ...["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"],
    // setpriv itself looks for the command with the rights of root.
    ...["sh", "-c", 'exec "$@"', "sh"],
  ];
  const [program = "", ...args] = [...launcher, "id", "-u"];
  const tried = await run(program, args);
  if (tried.said !== String(uid)) {
    throw refuse(`programs cannot be run as that user: ${tried.complaint}`);
  }
  return {
    name,
    uid,
    gid,
    launcher,
    environment: { USER: name, LOGNAME: name, HOME: home },
  };
}

/**
 * Sees that a user gets to what is in a folder.
 *
 * @throws {JobUserError}
 */
export async function checkEntry({ name, launcher }: JobUser, folder: string): Promise<void> {
  const [program = "", ...args] = [...launcher, "sh", "-c", 'cd -- "$1" && echo in', "sh", folder];
  if ((await run(program, args)).said === "in") return;
  throw new JobUserError(
    `--job_user ${name}: that user cannot enter ${folder}; choose a folder with --dest_path_prefix`,
  );
}

interface Entry {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A line of `passwd(5)`, wherever the machine has its users from. */
async function passwordEntry(name: string): Promise<Entry | null> {
  const { said } = await run("getent", ["passwd", name]);
  const fields = said.split(":");
  const [, , uid = "", gid = "", , home = "/"] = fields;
  if (fields[0] !== name || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return null;
  return { uid: Number(uid), gid: Number(gid), home };
}

async function run(
  program: string,
  args: readonly string[],
): Promise<{ readonly said: string; readonly complaint: string }> {
  try {
    const { stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [said = "", complaint = ""] = [stdout, stderr].map((bytes) =>
      new TextDecoder().decode(bytes).trim()
    );
    return { said, complaint };
  } catch (error) {
    const complaint = error instanceof Deno.errors.NotFound
      ? `there is no ${program}: install util-linux`
      : messageOf(error);
    return { said: "", complaint };
  }
}
