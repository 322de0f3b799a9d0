/**
 * A closer look at a dispynode that has jobs and sends no results; where that can be helped, it is.
 *
 * All results of a dispynode go through one thread. When that has died (`can only join a started
 * process`), the node goes on: it pulses, takes jobs, names those that are done among those that
 * run, and answers for none. Neither `JOBS:` nor `RETRIEVE_JOB:` tells, closing the computation
 * waits for ever, and setting up another changes nothing. But the code of a computation without a
 * setup function is run by the node itself, and what it raises comes back as the answer to
 * `SETUP:`. So a computation of our own looks at the thread and starts it again: the results wait
 * in its queue. It also answers for jobs whose processes have died without a result, of which
 * dispynode takes notice once an hour. At the end it takes itself out of the node's books, as it
 * is no client that counts.
 *
 * @module
 */

import { type CheckUpAnswer, type Node, onNodeCheckedUp } from "../core/mod.ts";
import { getLogger } from "../log/log.ts";
import { messageOf } from "../log/error_message.ts";
import { PyTuple } from "../pickle/mod.ts";
import {
  type Compute,
  ComputeType,
  decodeComputeAnswer,
  encodeToNode,
  isBefore,
  newSign,
  parseRelease,
  SIGN_RANDOM_BYTES,
  type ToNodeRequest,
  WireError,
} from "../wire/mod.ts";
import { runsTypeScript } from "../wire/typescript_jobs.ts";
import { type Context, MAX_ANSWER_BYTES, nodeAuthOf } from "./context.ts";
import { dialectOfNode } from "./dialects.ts";
import type { NodeLink } from "./node_link.ts";

const log = getLogger("node");

const NAME = "dispyscheduler_check_up";

/** From here on dispynode has the thread, and runs the code of computations in its own process. */
const FIRST_RELEASE = [4, 10, 0] as const;

/** Before that, what a computation raises is never answered: silence says that it was needed. */
const FIRST_TO_TELL = [4, 15, 2] as const;

/** The words behind which the node's answer has what was found. */
const FOUND = "dispyscheduler found:";

/** Runs in the node's own process. */
const CODE = `
def ${NAME}(compute_id):
    import copy, multiprocessing, os, sys, threading, time
    main = sys.modules['__main__']
    node = main._dispy_node
    if node.pid != os.getpid():
        return 'well 0'
    client = node.clients.pop(compute_id)
    node.scheduler['auth'].discard(client.compute.auth)
    pickled = '%s_%s.pkl' % (compute_id, client.compute.auth)
    os.remove(os.path.join(node.dest_path_prefix, pickled))
    os.rmdir(client.compute.dest_path)
    found, lost = 'well', 0
    if not node.reply_Q_thread.is_alive():
        found = 'mute'
        try:
            thread = threading.Thread(target=node._DispyNode__reply_Q)
            thread.daemon = True
            thread.start()
            node.reply_Q_thread = thread
            found = 'healed'
        except Exception:
            pass
    for info in list(node.job_infos.values()):
        process = info.proc
        if not isinstance(process, multiprocessing.Process) or process._popen is None:
            continue
        if process.is_alive():
            continue
        # Behind the job's own reply, if there is one: then this one counts for nothing.
        reply = copy.copy(info.job_reply)
        reply.status, reply.result = main.DispyJob.Terminated, main.serialize(None)
        reply.exception = 'the process of the job has ended without a result'
        reply.end_time = time.time()
        node.reply_Q.put(reply)
        lost += 1
    return '%s %s' % (found, lost)
`;

/** See the module's description. */
export class NodeCheckUp {
  constructor(private readonly context: Context, private readonly nodeLink: NodeLink) {}

  /** Looks at `node`, and tells the core what came of it. */
  async run(node: Node): Promise<void> {
    const answer = await this.#look(node);
    this.context.engine.post((core, nowMs) => onNodeCheckedUp(core, node, answer, nowMs));
  }

  async #look(node: Node): Promise<CheckUpAnswer> {
    const { platform, version } = node.info;
    const release = parseRelease(version);
    const isKnown = release !== null && !isBefore(release, FIRST_RELEASE);
    if (runsTypeScript(platform) || !isKnown) return "well";
    try {
      const { answer, lost } = await this.#ask(node);
      if (answer === "healed") {
        log.warning("node sent no results, as its thread for them had died; it runs again", {
          node: node.ipAddr,
          hint: "a fault of dispynode; nothing is lost",
        });
      } else if (answer === "mute") await this.#fetchResults(node);
      if (lost > 0) log.debug("processes of jobs have ended", { node: node.ipAddr, jobs: lost });
      return answer;
    } catch (error) {
      log.debug("node could not be looked at", { node: node.ipAddr, reason: messageOf(error) });
      return "well";
    }
  }

  async #ask(node: Node): Promise<{ answer: CheckUpAnswer; lost: number }> {
    const id = this.context.engine.core.newId();
    const auth = newSign(crypto.getRandomValues(new Uint8Array(SIGN_RANDOM_BYTES)));
    const compute = computeFor(node, id, auth);
    const answer = decodeComputeAnswer(await this.#exchange(node, { kind: "COMPUTE", compute }));
    // Up to 4.14 nodes answer with their free CPUs: a busy one that takes it says 0.
    const isTaken = answer.kind === "accepted" ||
      (answer.reason === "answered 0" && dialectOfNode(node).computeAnswer === "free_cpus");
    if (!isTaken) throw new Error(`it does not take the look: ${answer.reason}`);
    const setup = { kind: "SETUP", computeId: id, setupArgs: new PyTuple([]) } as const;
    try {
      const text = new TextDecoder().decode(await this.#exchange(node, setup));
      const found = new RegExp(`${FOUND} (well|healed|mute) (\\d+)`).exec(text);
      if (found !== null) return { answer: found[1] as CheckUpAnswer, lost: Number(found[2]) };
      if (text === "ACK") return { answer: "well", lost: 0 };
      if (text !== "") throw new Error(`it answers ${text.trim().split("\n").at(-1)}`);
      throw new WireError("closed", "it gives no answer");
    } catch (error) {
      await this.nodeLink.abandon(node, id, auth).catch(() => {});
      const isSilent = error instanceof WireError && ["timeout", "closed"].includes(error.kind);
      if (isSilent && !tells(node)) return { answer: "healed", lost: 0 };
      throw error;
    }
  }

  async #exchange(node: Node, request: ToNodeRequest): Promise<Uint8Array> {
    using stream = await this.nodeLink.connect(node);
    await stream.writeRequest(
      nodeAuthOf(this.context, node),
      ...encodeToNode(request, dialectOfNode(node)),
    );
    return await stream.readMessage(MAX_ANSWER_BYTES);
  }

  /** Before the node is given up: takes what it could not deliver and has kept. */
  async #fetchResults(node: Node): Promise<void> {
    for (const job of [...node.jobs]) {
      if (job.share !== null) await this.nodeLink.fetchResult(job.share, job);
    }
  }
}

/** Whether `node` answers with what a computation raises. */
function tells({ info }: Node): boolean {
  const release = parseRelease(info.version);
  return release !== null && !isBefore(release, FIRST_TO_TELL);
}

function computeFor(node: Node, id: number, auth: string): Compute {
  const { info } = node;
  return {
    type: ComputeType.Function,
    name: NAME,
    id,
    code: `${CODE}\nfound = ${NAME}(${id})\n` +
      `if ${tells(node) ? "True" : "not found.startswith('well')"}:\n` +
      `    raise Exception('${FOUND} ' + found)\n`,
    destPath: null,
    xferFiles: [],
    reentrant: false,
    exclusive: false,
    setup: null,
    cleanup: true,
    setupArgsCount: 0,
    schedulerIpAddr: info.schedulerIpAddr,
    schedulerPort: info.schedulerPort,
    nodeIpAddr: info.ipAddr,
    auth,
    jobResultPort: info.schedulerPort,
    pulseIntervalS: null,
    clientReplyAddr: null,
    extra: null,
  };
}
