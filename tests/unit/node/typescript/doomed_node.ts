/** Runs a job that never pauses, prints its process id, and waits to be killed. */

import { Lab } from "./lab.ts";

const lab = await Lab.open(`export async function compute() {
  await dispy.provisionalResult("here");
  for (;;);
}`);
await lab.setup();
const job = lab.start();
lab.onProvisional = () => console.log(job.pid);
await job.ended;
