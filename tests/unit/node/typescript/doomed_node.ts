/** Runs a job that never pauses, prints its process id, and waits to be killed. */

import { Lab } from "./lab.ts";

const lab = await Lab.open(`export async function compute() {
  await dispy.provisionalResult("here");
  for (;;);
}`);
await lab.setup();
const job = lab.start();
lab.onProvisional = async () => console.log(await job.findPid());
await job.ended;
