import { checkWorlds } from "./run.ts";

Deno.test("whatever happens, each job has one outcome and all invariants hold (600 worlds)", () => {
  checkWorlds(601, 600);
});
