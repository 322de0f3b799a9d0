/**
 * TypeScript functions as jobs: what this project adds to dispy.
 *
 * @module
 */

import { decodeTypeScriptCode, TYPESCRIPT_PLATFORM } from "../../wire/typescript_jobs.ts";
import type {
  ComputationCode,
  ComputationRunner,
  ComputationTask,
  JobLanguage,
} from "../runner.ts";
import { TypeScriptComputation, type TypeScriptSettings } from "./computation.ts";
import type { JobPermission } from "./permissions.ts";

/** Runs TypeScript functions, each job in a Deno of its own. */
export class TypeScriptLanguage implements JobLanguage {
  readonly name: string;
  readonly platformMark = TYPESCRIPT_PLATFORM;
  readonly #settings: TypeScriptSettings;

  private constructor(settings: TypeScriptSettings, version: string) {
    this.#settings = settings;
    this.name = `TypeScript (Deno ${version})`;
  }

  /**
   * Looks for the Deno that is to run jobs.
   *
   * @param permissions What jobs may do beyond reading and writing in their folder.
   * @param deno A path, or a name that is looked for in PATH. When absent: the one that runs this
   * program; a compiled program is none, and looks for `deno`.
   * @param launcher What stands before the command: it may not be there for everybody.
   * @returns `null` where there is none.
   */
  static async find(
    permissions: readonly JobPermission[] = [],
    deno: string = Deno.build.standalone ? "deno" : Deno.execPath(),
    launcher: readonly string[] = [],
  ): Promise<TypeScriptLanguage | null> {
    try {
      const [program = deno, ...args] = [...launcher, deno, "--version"];
      const { success, stdout } = await new Deno.Command(program, {
        args,
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).output();
      const version = /^deno (\S+)/.exec(new TextDecoder().decode(stdout))?.[1];
      if (!success || version === undefined) return null;
      return new TypeScriptLanguage({ deno, permissions }, version);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  accepts({ type, code }: ComputationCode): boolean {
    return type === "function" && decodeTypeScriptCode(code) !== null;
  }

  open(task: ComputationTask): Promise<ComputationRunner> {
    return TypeScriptComputation.open(this.#settings, task);
  }
}
