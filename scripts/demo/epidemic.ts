/**
 * A client program of the demo: how far an epidemic goes, by how contagious it is; a job for each
 * value.
 *
 *     epidemic.ts <scheduler's client port> <number of jobs>
 *
 * @module
 */

import { SharedJobCluster, typescript } from "../../src/client/mod.ts";
import { tell, tellOfJob } from "./client.ts";
import type { attackRate } from "./epidemic_model.ts";

const FIRST = 0.5;
const LAST = 3;
const RUNS = 60;
const BAR_WIDTH = 50;

const [port = "", count = ""] = Deno.args;
const values = Array.from(
  { length: Number(count) },
  (_, index) => FIRST + (LAST - FIRST) * index / (Number(count) - 1),
);

await using cluster = await SharedJobCluster.open({
  computation: typescript<typeof attackRate>({
    module: new URL("./epidemic_model.ts", import.meta.url),
    name: "attackRate",
  }),
  scheduler: "127.0.0.1",
  schedulerPort: Number(port),
  reentrant: true,
  onJob: tellOfJob,
});
const jobs = values.map((value, index) => cluster.submit([value, RUNS, index]));
const rates = await Promise.all(jobs.map(({ result }) => result));
const shown = Math.ceil(values.length / 12);
const chart = values.flatMap((value, index) => {
  if (index % shown !== 0 && index !== values.length - 1) return [];
  const rate = rates[index]!;
  const bar = "#".repeat(Math.round(BAR_WIDTH * rate));
  return [`  R0 ${value.toFixed(2)}  ${(100 * rate).toFixed(0).padStart(3)} %  ${bar}`];
});
tell({
  kind: "says",
  text: ["Infected in the end, by how many others each person infects:", ...chart].join("\n"),
});
