/** Runs a job, prints what it says first, and waits to be killed. */

import { Lab } from "./lab.ts";

const lab = await Lab.open(Deno.env.get("JOB_CODE")!);
const failure = await lab.setup();
if (failure !== null) throw new Error(failure);
lab.onProvisional = (pids) => console.log(pids);
await lab.run();
