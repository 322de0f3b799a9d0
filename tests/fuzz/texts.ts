/**
 * Good files that options name, to make bad ones of.
 *
 * @module
 */

const fixture = (name: string) =>
  Deno.readTextFileSync(new URL(`../unit/cli/testdata/${name}`, import.meta.url));

/** Configuration files: dispy's own, and one by hand. */
export const CONFIG_FILES: readonly string[] = [
  fixture("dispy_4.15_defaults.ini"),
  fixture("dispy_4.15_options.ini"),
  `# by hand
[dispyscheduler]
nodes = ["node1", '10.0.0.*']
ext_ip_addr = 203.0.113.7
port: 9700
node-secret = it's
max_file_size = 2g
oversize = refuse
zombie_interval = 0
cooperative = yes
max_client_bytes = 10m
log_format = json
`,
];

/** Files of cluster rules. */
export const CLUSTER_RULES: readonly string[] = [
  `[[cluster]]
computation = "render*"
client = '10.0.0.*'
priority = 5
weight = 2.5e0

[[cluster]] # all others
max_cpus = 32
max_jobs = 100_000
max_job_bytes = "1g"
`,
  `cluster = [{ priority = -1, max_job_bytes = 0x10 }, { weight = 1 }]
`,
];
