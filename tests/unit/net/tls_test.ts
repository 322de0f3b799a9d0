import { assertEquals } from "@std/assert/equals.js";
import { assertRejects } from "@std/assert/rejects.js";
import { assertThrows } from "@std/assert/throws.js";
import { connect as tlsConnect, createServer, type SecureVersion, type TLSSocket } from "node:tls";
import type { AddressInfo, Socket } from "node:net";
import { configureLogging } from "../../../src/log/log.ts";
import { ListenError } from "../../../src/net/listen_error.ts";
import { Transport } from "../../../src/net/transport.ts";
import { Deadlines, type MessageStream, WireError } from "../../../src/wire/mod.ts";
import type { TlsIdentity } from "../../../src/net/tls_identity.ts";
import { type Certificate, Certificates, OPENSSL_AVAILABLE } from "./certificates.ts";
import { VERSION1_KEY_PEM, VERSION1_PEM } from "./version1.ts";

const IGNORE = !OPENSSL_AVAILABLE && Deno.env.get("CI") !== "true";
const LOOPBACK = "127.0.0.1";
const TIMEOUT_MS = 5_000;
const MESSAGE = new Uint8Array(1_500_000).map((_, index) => index % 251);

/** What a test works with; nothing of it outlives the test. */
class Bench implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly certificates: Certificates;
  readonly #stack: AsyncDisposableStack;
  readonly #deadlines = new Deadlines(20);

  private constructor(certificates: Certificates, stack: AsyncDisposableStack) {
    this.certificates = certificates;
    this.#stack = stack;
    stack.defer(() => this.#deadlines.stop());
    configureLogging({
      level: "debug",
      format: "text",
      write: (line) => {
        this.lines.push(line);
      },
    });
  }

  static async open(): Promise<Bench> {
    const stack = new AsyncDisposableStack();
    return new Bench(stack.use(await Certificates.open()), stack);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    configureLogging({ level: "error", format: "text", write: () => {} });
  }

  get warnings(): string[] {
    return this.lines.filter((line) => line.includes("WARN"));
  }

  transport(
    certificate: TlsIdentity | null,
    peers: "node" | "client" = "node",
    timeoutMs = TIMEOUT_MS,
  ): Transport {
    return new Transport({ deadlines: this.#deadlines, timeoutMs, peers, tls: certificate });
  }

  /** Accepts connections as the scheduler does; returns the port, and what `serve` threw. */
  accept(
    transport: Transport,
    serve: (stream: MessageStream) => Promise<void>,
  ): { port: number; outcomes: Promise<void>[] } {
    const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    this.#stack.defer(() => listener.close());
    const outcomes: Promise<void>[] = [];
    void (async () => {
      for await (const connection of listener) {
        const outcome = (async () => {
          using stream = await transport.welcome(connection);
          await serve(stream);
        })();
        outcome.catch(() => {});
        outcomes.push(outcome);
      }
    })();
    return { port: listener.addr.port, outcomes };
  }

  /** A server of `node:tls` that speaks one version only. */
  async acceptOnly(
    version: SecureVersion,
    { certPem, keyPem }: TlsIdentity,
    serve: (socket: TLSSocket) => void,
  ): Promise<number> {
    const server = createServer(
      { cert: certPem, key: keyPem, minVersion: version, maxVersion: version },
      serve,
    );
    server.on("tlsClientError", () => {});
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
    this.#stack.defer(async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    });
    return (server.address() as AddressInfo).port;
  }

  /** A server without TLS. */
  acceptPlain(serve: (connection: Deno.TcpConn) => Promise<void>): number {
    const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    this.#stack.defer(() => listener.close());
    void (async () => {
      for await (const connection of listener) {
        serve(connection).catch(() => {}).finally(() => connection.close());
      }
    })();
    return listener.addr.port;
  }
}

function test(name: string, steps: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ignore: IGNORE,
    fn: async () => {
      await using bench = await Bench.open();
      await steps(bench);
    },
  });
}

async function echo(stream: MessageStream): Promise<void> {
  await stream.writeMessage(await stream.readMessage(10_000_000));
}

async function checkEcho(transport: Transport, port: number): Promise<void> {
  using stream = await transport.connect(LOOPBACK, port);
  await stream.writeMessage(MESSAGE);
  assertEquals(await stream.readMessage(10_000_000), MESSAGE);
}

async function readAll(connection: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(65536);
  let total = 0;
  for (let count; (count = await connection.read(buffer)) !== null;) total += count;
  return total;
}

for (const key of ["rsa", "ec"] as const) {
  for (const kind of ["self-signed CA", "self-signed, no CA", "signed by a CA"] as const) {
    const make = async (certificates: Certificates): Promise<Certificate> => {
      if (kind !== "signed by a CA") {
        return await certificates.selfSigned(key, kind === "self-signed CA");
      }
      const root = await certificates.selfSigned(key, true, "test root");
      const intermediate = await certificates.signed(root, key, true);
      const own = await certificates.signed(intermediate, key);
      return await certificates.chain(own, intermediate, root);
    };

    test(`we talk with ourselves: ${key}, ${kind}`, async (bench) => {
      const certificate = await make(bench.certificates);
      const { port, outcomes } = bench.accept(bench.transport(certificate), echo);
      await checkEcho(bench.transport(certificate), port);
      await Promise.all(outcomes);
      assertEquals(bench.warnings, []);
    });

    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      test(`we talk ${version} with others, both ways: ${key}, ${kind}`, async (bench) => {
        const certificate = await make(bench.certificates);
        const transport = bench.transport(certificate);
        const port = await bench.acceptOnly(version, certificate, (socket) => {
          assertEquals(socket.getProtocol(), version);
          socket.on("error", () => {});
          socket.pipe(socket);
        });
        await checkEcho(transport, port);

        const accepted = bench.accept(transport, echo);
        const received = await new Promise<Uint8Array>((resolve, reject) => {
          const socket = tlsConnect({
            host: LOOPBACK,
            port: accepted.port,
            ca: certificate.certPem,
            checkServerIdentity: () => undefined,
            minVersion: version,
            maxVersion: version,
          }, () => {
            assertEquals(socket.getProtocol(), version);
            socket.write(new Uint8Array([0, 0, 0, 3, 1, 2, 3]));
          });
          const chunks: number[] = [];
          socket.on("data", (chunk: Uint8Array) => chunks.push(...chunk));
          socket.on("end", () => resolve(new Uint8Array(chunks)));
          socket.on("error", reject);
        });
        assertEquals(received, new Uint8Array([0, 0, 0, 3, 1, 2, 3]));
        await Promise.all(accepted.outcomes);
      });
    }
  }
}

test("keys are taken as PKCS#8, PKCS#1 and SEC1", async (bench) => {
  const { certificates } = bench;
  for (
    const [key, type, header] of [
      ["rsa", "pkey", "BEGIN PRIVATE KEY"],
      ["rsa", "rsa", "BEGIN RSA PRIVATE KEY"],
      ["ec", "pkey", "BEGIN PRIVATE KEY"],
      ["ec", "ec", "BEGIN EC PRIVATE KEY"],
    ] as const
  ) {
    const certificate = await certificates.selfSigned(key, true);
    const keyPem = await certificates.keyAs(certificate, type);
    assertEquals(keyPem.includes(header), true, keyPem.slice(0, 40));
    const identity = { ...certificate, keyPem };
    const { port } = bench.accept(bench.transport(identity), echo);
    await checkEcho(bench.transport(identity), port);
  }
});

test("only the configured certificate is taken, and those of its authority", async (bench) => {
  const { certificates } = bench;
  const root = await certificates.selfSigned("ec", true, "test root");
  const own = await certificates.chain(await certificates.signed(root, "ec"), root);
  const sibling = await certificates.chain(await certificates.signed(root, "rsa"), root);
  const impostorRoot = await certificates.selfSigned("ec", true, "test root");
  const impostor = await certificates.chain(
    await certificates.signed(impostorRoot, "ec"),
    impostorRoot,
  );
  // It is no authority, whatever it signs.
  const grandchild = await certificates.chain(await certificates.signed(own, "ec"), own, root);
  const transport = bench.transport(own);
  for (
    const [peer, taken] of [
      [own, true],
      [sibling, true],
      [sibling, true], // from memory
      [impostor, false],
      [impostorRoot, false],
      [grandchild, false],
      [{ certPem: VERSION1_PEM, keyPem: VERSION1_KEY_PEM }, false],
    ] as const
  ) {
    let receivedBytes = 0;
    const port = await bench.acceptOnly("TLSv1.3", peer, (socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk: Uint8Array) => {
        receivedBytes += chunk.length;
        socket.write(chunk);
      });
    });
    if (taken) {
      await checkEcho(transport, port);
      continue;
    }
    const error = await assertRejects(() => transport.connect(LOOPBACK, port), WireError);
    assertEquals(error.kind, "connect");
    assertEquals(
      /: it shows another certificate \(SHA-256 [0-9A-F:]{23}…\); start it with the file of --node_certfile \(--certfile\)$/
        .test(error.message),
      true,
      error.message,
    );
    assertEquals(receivedBytes, 0);
  }
  assertEquals(bench.warnings.length, 1, "a peer is warned of once");
  assertEquals(bench.warnings[0]?.includes("node=127.0.0.1"), true);
});

test("a peer that does not take our certificate is warned of once", async (bench) => {
  const ours = await bench.certificates.selfSigned("ec", true);
  const theirs = await bench.certificates.selfSigned("ec", true, "test, another");
  const { port, outcomes } = bench.accept(bench.transport(ours, "client"), echo);
  for (let attempt = 0; attempt < 3; attempt++) {
    await new Promise<void>((resolve) => {
      tlsConnect({ host: LOOPBACK, port, ca: theirs.certPem }).on("error", () => resolve());
    });
  }
  assertEquals((await Promise.allSettled(outcomes)).map(({ status }) => status), [
    "rejected",
    "rejected",
    "rejected",
  ]);
  assertEquals(bench.warnings.length, 1);
  assertEquals(
    /client=127.0.0.1 reason="it does not take the certificate of --cluster_certfile/
      .test(bench.warnings[0] ?? ""),
    true,
    bench.warnings[0],
  );
});

test("plain text at our TLS port ends at once, with one warning", async (bench) => {
  const certificate = await bench.certificates.selfSigned("ec", true);
  const { port, outcomes } = bench.accept(bench.transport(certificate, "client"), echo);
  for (let attempt = 0; attempt < 3; attempt++) {
    using connection = await Deno.connect({ hostname: LOOPBACK, port });
    await connection.write(new TextEncoder().encode("x".repeat(40) + "\0\0\0\x07CLIENT:"));
    await readAll(connection).catch((error) => {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    });
  }
  for (const outcome of outcomes) await assertRejects(() => outcome, WireError);
  assertEquals(bench.warnings.length, 1);
  assertEquals(
    bench.warnings[0]?.includes(
      "it speaks plain text; start it with the file of --cluster_certfile",
    ),
    true,
  );
});

test("TLS at our plain port ends at once, with one warning", async (bench) => {
  const { port, outcomes } = bench.accept(bench.transport(null), async (stream) => {
    await stream.readMessage(1000);
  });
  for (let attempt = 0; attempt < 3; attempt++) {
    await new Promise<void>((resolve) => {
      tlsConnect({ host: LOOPBACK, port }).on("error", () => {}).on("close", () => resolve());
    });
  }
  for (const outcome of outcomes) {
    const error = await assertRejects(() => outcome, WireError);
    assertEquals(error.message.includes("speaks TLS"), true, error.message);
  }
  assertEquals(bench.warnings.length, 1);
  assertEquals(
    bench.warnings[0]?.includes("it speaks TLS; start the scheduler with --node_certfile"),
    true,
  );
});

test("a peer with TLS that we send plain text to is named", async (bench) => {
  // A fatal alert of TLS 1.2: protocol version.
  const alert = new Uint8Array([0x15, 3, 3, 0, 2, 2, 70]);
  const port = bench.acceptPlain(async (connection) => void await connection.write(alert));
  using stream = await bench.transport(null).connect(LOOPBACK, port);
  const error = await assertRejects(() => stream.readMessage(1000), WireError);
  assertEquals(error.message.includes("speaks TLS"), true, error.message);
  assertEquals(bench.warnings.length, 1);
});

test("a peer without TLS that we connect to is refused at once where it talks", async (bench) => {
  const certificate = await bench.certificates.selfSigned("ec", true);
  const port = bench.acceptPlain(async (connection) => {
    await connection.write(new TextEncoder().encode("\0\0\0\x03ACK"));
    await readAll(connection);
  });
  const transport = bench.transport(certificate);
  const error = await assertRejects(() => transport.connect(LOOPBACK, port), WireError);
  assertEquals(error.kind, "connect");
  assertEquals(error.message.includes("it speaks plain text"), true, error.message);
});

test("a peer without TLS that waits for more is refused when the time is up", async (bench) => {
  const certificate = await bench.certificates.selfSigned("ec", true);
  const port = bench.acceptPlain(async (connection) => void await readAll(connection));
  const transport = bench.transport(certificate, "node", 200);
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await assertRejects(() => transport.connect(LOOPBACK, port), WireError);
    assertEquals(
      error.message.includes("did not answer the TLS handshake within 0.2 s; start it with"),
      true,
      error.message,
    );
  }
  assertEquals(bench.warnings.length, 1);
});

test("a peer that closes in the handshake is an end, not a mismatch", async (bench) => {
  const certificate = await bench.certificates.selfSigned("ec", true);
  const port = bench.acceptPlain(async () => {});
  const transport = bench.transport(certificate);
  await assertRejects(() => transport.connect(LOOPBACK, port), WireError, "no TLS handshake");
  const accepted = bench.accept(transport, echo);
  (await Deno.connect({ hostname: LOOPBACK, port: accepted.port })).close();
  await until(() => accepted.outcomes.length === 1);
  await assertRejects(() => accepted.outcomes[0] as Promise<void>, WireError, "no TLS handshake");
  assertEquals(bench.warnings, []);
});

test("silent peers are dropped when the time is up, and hold nobody up", async (bench) => {
  const certificate = await bench.certificates.selfSigned("ec", true);
  const { port, outcomes } = bench.accept(bench.transport(certificate, "node", 300), echo);
  const silent = await Promise.all(
    Array.from({ length: 5 }, () => Deno.connect({ hostname: LOOPBACK, port })),
  );
  await until(() => outcomes.length === 5);
  await checkEcho(bench.transport(certificate), port);
  for (const connection of silent) {
    assertEquals(await readAll(connection), 0);
    connection.close();
  }
  for (const outcome of outcomes.slice(0, 5)) {
    await assertRejects(() => outcome, WireError, "no TLS handshake within 0.3 s");
  }
});

test("a peer sets the pace: nothing is read ahead, nothing is written ahead", async (bench) => {
  const certificate = await bench.certificates.selfSigned("ec", true);
  const transport = bench.transport(certificate);
  const goOn = Promise.withResolvers<void>();
  const { port, outcomes } = bench.accept(transport, async (stream) => {
    await goOn.promise;
    for (let total = 0; total < 64 * MESSAGE.length;) {
      total += (await stream.readMessage(10_000_000)).length;
    }
    await stream.writeMessage(new Uint8Array(1));
  });
  using stream = await transport.connect(LOOPBACK, port);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 64; sent++) await stream.writeMessage(MESSAGE);
  })();
  // What the system's buffers take goes out at once, and then no more.
  let before = -1;
  while (sent !== before) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assertEquals(sent < 32, true, `${sent} messages went out though nobody reads`);
  goOn.resolve();
  await sending;
  assertEquals((await stream.readMessage(10)).length, 1);
  await Promise.all(outcomes);
});

test("a connection that is cut is an end; a farewell is waited for", async (bench) => {
  const certificate = await bench.certificates.selfSigned("ec", true);
  let farewells = 0;
  const port = await bench.acceptOnly("TLSv1.3", certificate, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.destroy());
    socket.on("end", () => farewells++);
  });
  const transport = bench.transport(certificate);
  {
    using stream = await transport.connect(LOOPBACK, port);
    await stream.writeMessage(new Uint8Array(10));
    assertEquals((await stream.readMessage(100)).length, 0);
  }
  // A dispy server closes only when it has heard that we are done.
  {
    using stream = await transport.connect(LOOPBACK, port);
    await stream.waitForClose();
  }
  assertEquals(farewells, 1);
});

test("a certificate that cannot be used is said at the start", async (bench) => {
  const { certificates } = bench;
  const version1 = { certPem: VERSION1_PEM, keyPem: VERSION1_KEY_PEM };
  assertThrows(
    () => bench.transport(version1),
    ListenError,
    "the certificate of --node_certfile cannot be used: it is an X.509 certificate of version 1",
  );
  const oddCurve = await certificates.selfSigned("secp256k1", true);
  assertThrows(
    () => bench.transport(oddCurve, "client"),
    ListenError,
    "the certificate of --cluster_certfile cannot be used: it has a key of a kind that is not " +
      "supported (ec secp256k1)",
  );
  assertEquals(bench.warnings, []);
  const root = await certificates.selfSigned("ec", true, "test root");
  bench.transport(await certificates.signed(root, "ec"));
  assertEquals(bench.warnings.length, 1);
  assertEquals(
    bench.warnings[0]?.includes("signed by an authority whose certificate is not"),
    true,
  );
  for (const { keyPem } of [version1, oddCurve, root]) {
    const [secret = ""] = keyPem.split("\n").slice(1);
    assertEquals(bench.lines.some((line) => line.includes(secret)), false);
  }
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
