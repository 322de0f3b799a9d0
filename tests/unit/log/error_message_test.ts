import { assertEquals } from "@std/assert/equals.js";
import { stat } from "node:fs/promises";
import { lookup } from "node:dns/promises";
import { messageOf } from "../../../src/log/error_message.ts";

/** What is thrown, and what is told of it. */
const ERRORS: readonly [action: () => unknown, message: string][] = [
  [() => Deno.open("/nonexistent/x"), "No such file or directory (open '/nonexistent/x')"],
  [() => stat("/nonexistent/x"), "no such file or directory (stat '/nonexistent/x')"],
  [() => Deno.connect({ hostname: "127.0.0.1", port: 1 }), "Connection refused"],
  [() => lookup("nonexistent.invalid"), "the name is not known"],
  [() => Deno.connect({ hostname: "nonexistent.invalid", port: 1 }), "the name is not known"],
  [
    () => new Deno.Command("/nonexistent/x").spawn(),
    "Failed to spawn '/nonexistent/x': No such file or directory",
  ],
  [() => Promise.reject(new Error("read: a, b")), "read: a, b"],
  [() => Promise.reject("text"), "text"],
];

for (const [action, message] of ERRORS) {
  Deno.test(`an error says: ${message}`, async () => {
    let said: string | undefined;
    try {
      await action();
    } catch (error) {
      said = messageOf(error);
    }
    assertEquals(said, message);
  });
}

Deno.test({
  name: "what Deno's flags do not permit is told with the flag",
  permissions: { read: false },
  fn: async () => {
    let said: string | undefined;
    try {
      await Deno.open("/x");
    } catch (error) {
      said = messageOf(error);
    }
    assertEquals(said, 'Deno was not allowed read access to "/x"; add --allow-read');
  },
});
