import { OWN_ACCESS } from "../../../../src/node/folder_access.ts";
import { deepStrictEqual as equal } from "node:assert/strict";
import { concat } from "@std/bytes/concat.js";
import { PythonJob } from "../../../../src/node/python/job.ts";
import { toJson } from "../../../../src/node/python/protocol.ts";

/** A message as a job's process puts it together. */
function message(header: unknown): Uint8Array {
  const json = toJson(header);
  const sizes = new Uint8Array(12);
  new DataView(sizes.buffer).setUint32(0, json.length);
  return concat([sizes, json]);
}

Deno.test("whatever a job writes to its connection is refused, and never an error of the node", async () => {
  const logged: string[] = [];
  const job = new PythonJob({
    computeId: 1,
    name: "compute",
    code: "",
    setup: null,
    cleanup: null,
    folder: "/",
    scratchFolder: "/",
    launcher: [],
    programLauncher: [],
    access: OWN_ACCESS,
    nodeName: "node",
    nodeIpAddr: "127.0.0.2",
    environment: {},
    limits: { memoryBytes: null, outputBytes: 100 },
    log: (level, text) => logged.push(`${level}: ${text}`),
  }, {
    provisionalResult: () => Promise.resolve(true),
    sendFile: () => Promise.resolve(true),
  });
  for (
    const header of [
      null,
      "log",
      { kind: "log", level: "fatal", text: "no such level" },
      { kind: "log", level: "toString", text: "no such level" },
      { kind: "log", level: "info", text: { toString: 1 } },
      { kind: "file", name: 1, path: [] },
      { kind: "constructor" },
    ]
  ) equal(await job.onMessage(message(header)), false);
  equal(await job.onMessage(message({ kind: "log", level: "info", text: "said" })), true);
  equal(logged, ["info: said"]);
});
