import { assertEquals } from "@std/assert/equals.js";
import { renderStatus, type SchedulerStatus } from "../../../src/cli/status_table.ts";

const IDLE: SchedulerStatus = {
  uptimeMs: 0,
  nodes: [],
  clusters: [],
  totals: { jobsPending: 0, jobsRunning: 0, jobsDone: 0, cpuTimeMs: 0, clustersWaiting: 0 },
};

Deno.test("nodes, longest job time first, clusters and totals are shown in columns", () => {
  const status: SchedulerStatus = {
    uptimeMs: (2 * 86400 + 3 * 3600 + 4 * 60 + 5) * 1000,
    nodes: [
      { address: "10.0.0.2", name: "", cpus: 2, busyCpus: 0, jobsDone: 1, cpuTimeMs: 1234 },
      { address: "10.0.0.3", name: "n3", cpus: 64, busyCpus: 8, jobsDone: 900, cpuTimeMs: 99999 },
    ],
    clusters: [{
      name: "compute",
      clientAddress: "10.0.0.9",
      jobsPending: 5,
      jobsRunning: 8,
      jobsDone: 901,
      waits: [],
    }],
    totals: {
      jobsPending: 5,
      jobsRunning: 8,
      jobsDone: 950,
      cpuTimeMs: 101233,
      clustersWaiting: 1,
    },
  };
  assertEquals(
    renderStatus(status),
    `
 Node                           | CPUs | Busy | Jobs done | Node time sec
--------------------------------+------+------+-----------+---------------
 10.0.0.3 (n3)                  |   64 |    8 |       900 |        99.999
 10.0.0.2                       |    2 |    0 |         1 |         1.234

 Cluster                        | Pending | Running | Done
--------------------------------+---------+---------+------
 compute @ 10.0.0.9             |       5 |       8 |  901

Total job time: 101.233 sec
Jobs: 5 pending, 8 running, 950 done
Nodes: 2, clusters: 1 (1 waiting for nodes), up 2 days 03:04:05

`,
  );
});

Deno.test("an idle scheduler shows an empty table of nodes and no table of clusters", () => {
  assertEquals(
    renderStatus(IDLE),
    `
 Node                           | CPUs | Busy | Jobs done | Node time sec
--------------------------------+------+------+-----------+---------------

Total job time: 0.000 sec
Jobs: 0 pending, 0 running, 0 done
Nodes: 0, clusters: 0, up 00:00:00

`,
  );
});

Deno.test("names from other machines cannot act on the terminal nor break the columns", () => {
  const node = { cpus: 1, busyCpus: 0, jobsDone: 0, cpuTimeMs: 0 };
  const rows = renderStatus({
    ...IDLE,
    nodes: [
      { ...node, address: "10.0.0.2", name: "\u001b[2J\nforged" },
      { ...node, address: "10.0.0.3", name: "x".repeat(200) },
      { ...node, address: "10.0.0.4", name: "北京" },
    ],
  }).split("\n").slice(1, 6);
  assertEquals(rows.slice(2).map((row) => row.split(" | ")[0]?.trim()), [
    "10.0.0.2 (\\u001b[2J\\nforged)",
    `10.0.0.3 (${"x".repeat(39)}…`,
    "10.0.0.4 (北京)",
  ]);
  // Each of the two Chinese characters takes two columns.
  assertEquals(rows.map((row) => row.search(/[|+]/)), [52, 52, 52, 52, 50]);
});

Deno.test("why the jobs of a cluster wait is shown below the clusters, and acts on no terminal", () => {
  const cluster = { name: "f", clientAddress: "10.0.0.9", jobsPending: 1, jobsRunning: 0 };
  const status = {
    ...IDLE,
    clusters: [{ ...cluster, jobsDone: 0, waits: ["10.0.0.2: \x1b[2J", "no node"] }],
  };
  const lines = renderStatus(status).split("\n").filter((line) => line.includes("waits"));
  assertEquals(lines, [
    "f @ 10.0.0.9 waits: 10.0.0.2: \\u001b[2J",
    "f @ 10.0.0.9 waits: no node",
  ]);
});
