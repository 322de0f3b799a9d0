/** Which nodes a cluster has use for. */

import { deepStrictEqual as equal } from "node:assert/strict";
import type { Cluster, Node } from "../../../src/core/entities.ts";
import { unsuitability } from "../../../src/core/suitability.ts";

function reason(needed: string | undefined, platform: string): string | null {
  const cluster = { options: { platform: needed } } as Cluster;
  return unsuitability(cluster, { info: { platform } } as Node);
}

Deno.test("a cluster uses nodes whose platform has the word that it needs", () => {
  equal(reason("typescript/1", "Linux-6.1 typescript/1"), null);
  equal(reason("typescript/1", "Linux-6.1"), "it does not run typescript/1");
  equal(reason(undefined, "Linux-6.1"), null);
});

Deno.test("a cluster does without nodes whose platform has the word that it shuns", () => {
  equal(reason("!no-python", "Linux-6.1 no-python"), "its platform says no-python");
  equal(reason("!no-python", "Linux-6.1-no-python"), null);
  equal(reason("!no-python", "Linux-6.1"), null);
});
