/**
 * `--local_cpus`: a node on the scheduler's own machine, as a process that lives and ends with it.
 *
 * @module
 */

import type { SchedulerConfig } from "../cli/scheduler_config.ts";
import { SECRET_VARIABLES } from "../cli/secrets.ts";
import { messageOf } from "../log/error_message.ts";
import { getLogger } from "../log/log.ts";
import { ownCommand } from "./own_command.ts";

const log = getLogger("localnode");

/** Wait before a node that has ended is started again; doubled each time up to the last. */
const FIRST_WAIT_MS = 1_000;
const LAST_WAIT_MS = 60_000;

/** A node that has run for so long was well: the next wait is the first again. */
const WELL_AFTER_MS = 60_000;

/** How long the node is given to end its jobs. */
const END_MS = 5_000;

/** The node cannot be started; the message says what to do. */
export class LocalNodeError extends Error {
  override readonly name = "LocalNodeError";
}

/** See the module's description. */
export class LocalNode {
  #child: Deno.ChildProcess | null = null;
  #isEnding = false;
  #waitMs = FIRST_WAIT_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param schedulerHost An address of the scheduler's own.
   * @throws {LocalNodeError} where processes may not be started, or there are not so many CPUs
   */
  constructor(
    private readonly config: SchedulerConfig,
    private readonly cpus: number,
    private readonly schedulerHost: string,
  ) {
    const machineCpus = navigator.hardwareConcurrency;
    if (cpus > machineCpus) {
      // The node would refuse it, again and again.
      throw new LocalNodeError(
        `--local_cpus: this machine has ${machineCpus} CPUs; give a number from 1 to ${machineCpus}`,
      );
    }
    const { program } = ownCommand([]);
    if (Deno.permissions.querySync({ name: "run", command: program }).state !== "granted") {
      throw new LocalNodeError(
        `--local_cpus: a node is a process of its own, which may not be started; add ` +
          `--allow-run=${program}, or -A`,
      );
    }
  }

  /** Starts the node, and again whenever it ends, until {@linkcode end}. */
  start(): void {
    try {
      this.#start();
    } catch (error) {
      // The machine is short of processes, or the program is just being replaced by a newer one.
      this.#startLater({ reason: messageOf(error) });
    }
  }

  #start(): void {
    const { program, args } = ownCommand(["node", ...this.#options()]);
    const secret = this.config.nodeSecret;
    const startedMs = Date.now();
    // The node ends when this pipe closes, whatever has ended this process.
    const child = this.#child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "inherit",
      stderr: "inherit",
      // It ends with this process, in order; Ctrl-C at the terminal is for this process alone.
      detached: Deno.build.os !== "windows",
      // It would show what it inherits to its jobs.
      env: Object.fromEntries(SECRET_VARIABLES.map((name) => [name, ""])),
    }).spawn();
    if (secret !== "") void this.#tellSecret(child, secret);
    log.info("node on this machine", { cpus: this.cpus, pid: child.pid });
    void child.status.then(({ code, signal }) => {
      if (this.#isEnding) return;
      if (Date.now() - startedMs > WELL_AFTER_MS) this.#waitMs = FIRST_WAIT_MS;
      this.#startLater({ code, signal });
    });
  }

  async #tellSecret(child: Deno.ChildProcess, secret: string): Promise<void> {
    const writer = child.stdin.getWriter();
    try {
      await writer.write(new TextEncoder().encode(`${secret}\n`));
    } catch (error) {
      log.debug("the node on this machine has ended early", { reason: messageOf(error) });
    }
    writer.releaseLock();
  }

  #startLater(why: Readonly<Record<string, unknown>>): void {
    const wait_ms = this.#waitMs;
    log.warning("the node on this machine has ended; it is started again", { ...why, wait_ms });
    this.#timer = setTimeout(() => this.start(), wait_ms);
    this.#waitMs = Math.min(2 * wait_ms, LAST_WAIT_MS);
  }

  /** Ends the node and its jobs. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return;
    await child.stdin.close();
    const late = setTimeout(() => child.kill("SIGKILL"), END_MS);
    await child.status;
    clearTimeout(late);
  }

  #options(): string[] {
    const { ports, hosts, nodeTls, destPathPrefix, logLevel, logFormat } = this.config;
    // The newest family of ports, where there are several.
    const family = ports.families[ports.families.length - 1]!;
    return [
      "--ends_with_stdin",
      ...(this.config.nodeSecret === "" ? [] : ["--secret_on_stdin"]),
      ...(this.config.requireOwnAuth ? ["--require_own_auth"] : []),
      ...["--cpus", String(this.cpus)],
      ...["--port", String(family.node - 1)],
      ...["--scheduler_host", this.schedulerHost],
      ...hosts.flatMap((host) => ["--host", host]),
      ...(nodeTls === null ? [] : ["--certfile", nodeTls.certFile, "--keyfile", nodeTls.keyFile]),
      ...(destPathPrefix === undefined ? [] : ["--dest_path_prefix", destPathPrefix]),
      ...["--log_format", logFormat],
      ...(logLevel === "debug" ? ["--debug"] : []),
    ];
  }
}
