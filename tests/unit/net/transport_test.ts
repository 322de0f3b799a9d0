import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { configureLogging } from "../../../src/log/log.ts";
import { MAX_STRANGER_WARNINGS } from "../../../src/net/admission.ts";
import { Transport } from "../../../src/net/transport.ts";
import { Deadlines, WireError } from "../../../src/wire/mod.ts";

/** A connection of a peer at `hostname` that begins with a TLS handshake. */
function tlsPeer(hostname: string): Deno.TcpConn {
  const hello = new Uint8Array([0x16, 3, 1, 0, 200, 1]);
  const connection = {
    remoteAddr: { transport: "tcp", hostname, port: 50_000 },
    read: (buffer: Uint8Array) => {
      buffer.set(hello);
      return Promise.resolve(hello.length);
    },
    close: () => {},
  };
  return connection as unknown as Deno.TcpConn;
}

Deno.test("peers with other TLS options do not fill the log, from however many addresses", async () => {
  const lines: string[] = [];
  configureLogging({ level: "info", format: "text", write: (line) => void lines.push(line) });
  const deadlines = new Deadlines();
  try {
    const transport = new Transport({ deadlines, timeoutMs: 1000, peers: "node", tls: null });
    for (let n = 0; n < 3 * MAX_STRANGER_WARNINGS; n++) {
      using stream = await transport.welcome(tlsPeer(`2001:db8::${n.toString(16)}`));
      await assertRejects(() => stream.readMessage(100), WireError);
    }
    assertEquals(lines.length, MAX_STRANGER_WARNINGS);
  } finally {
    deadlines.stop();
    configureLogging({ level: "error", format: "text", write: () => {} });
  }
});
