/** Function jobs of every outcome. */

import { python, SharedJobCluster } from "../../../src/client/mod.ts";
import { report } from "./peer.ts";

const computation = python({
  code: `
def outcome(kind, value):
    import sys
    import time
    time.sleep(0.03)
    if kind == 'value':
        return value
    if kind == 'printing':
        print('out', value)
        sys.stderr.write('err %s' % value)
        return None
    if kind == 'failing':
        print('before')
        raise ValueError('bad %s' % value)
    if kind == 'keyword':
        return dict(value, seen=True)
`,
});
await using cluster = await SharedJobCluster.open({ computation });
await report([
  cluster.submit(["value", [1, 2.5, "three", null, true, { four: 4 }]]),
  cluster.submit(["printing", 42]),
  cluster.submit(["failing", 7]),
  cluster.submit([], { kwargs: { kind: "keyword", value: { a: 1 } } }),
]);
