/** Program jobs: a shell script with arguments. */

import { program, SharedJobCluster } from "../../../src/client/mod.ts";
import { report } from "./peer.ts";

await Deno.writeTextFile(
  "prog.sh",
  '#!/bin/sh\nsleep 0.05\necho "args: $1|$2"\necho "oops" >&2\nexit "$3"\n',
);
await Deno.chmod("prog.sh", 0o755);
await using cluster = await SharedJobCluster.open({ computation: program("prog.sh") });
await report([0, 3].map((code) => cluster.submit(["one", "two words", code])));
