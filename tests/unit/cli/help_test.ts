import { assertEquals } from "@std/assert/equals.js";
import { assertStringIncludes } from "@std/assert/string_includes.js";
import { helpText, optionsMarkdown } from "../../../src/cli/help.ts";
import { longNames, optionEntries, OPTIONS } from "../../../src/cli/options.ts";

/** The options of the manual and of dispy 4.15; scripts rely on each of these names. */
const DISPY_NAMES = [
  "debug nodes node ip_addr host ext_ip_addr ext_host port scheduler_port node_port node_secret",
  "cluster_secret node_keyfile node_certfile cluster_keyfile cluster_certfile httpd",
  "pulse_interval ping_interval zombie_interval max_file_size clean msg_timeout config",
  "save_config dest_path_prefix cooperative cleanup_nodes fair_cluster_scheduler",
  "early_cluster_scheduler ipv4_udp_multicast daemon help",
].join(" ").split(" ");

Deno.test("every option of dispy has its name here", () => {
  const names = longNames(OPTIONS);
  assertEquals(DISPY_NAMES.filter((name) => !names.has(name)), []);
});

Deno.test("no name stands for two options", () => {
  const names = optionEntries(OPTIONS).flatMap(([name, option]) => [
    name,
    ...(option.aliases ?? []),
    ...(option.short === undefined ? [] : [`-${option.short}`]),
  ]);
  assertEquals(new Set(names).size, names.length);
});

Deno.test("help fits into 100 columns and shows every name, value, default and text", () => {
  const help = helpText(OPTIONS);
  assertEquals(help.split("\n").filter((line) => line.length > 100), []);
  const unwrapped = help.replace(/\s+/g, " ");
  for (const [name, option] of optionEntries(OPTIONS)) {
    assertStringIncludes(unwrapped, `--${name}`);
    for (const alias of option.aliases ?? []) assertStringIncludes(unwrapped, `--${alias}`);
    if (option.short !== undefined) assertStringIncludes(unwrapped, ` -${option.short}, --${name}`);
    assertStringIncludes(unwrapped, option.help);
    if (option.kind !== "flag") {
      assertStringIncludes(unwrapped, ` ${option.placeholder} `);
      assertStringIncludes(unwrapped, option.defaultText);
    }
  }
});

Deno.test("help says which options are not available yet", () => {
  const help = helpText({
    ...OPTIONS,
    clean: { ...OPTIONS.clean, availability: "not available yet" },
  });
  assertStringIncludes(
    help.replace(/\s+/g, " "),
    `--clean ${OPTIONS.clean.help} (not available yet)`,
  );
});

Deno.test("the Markdown table has a row of three cells for every option", () => {
  const lines = optionsMarkdown(OPTIONS).trimEnd().split("\n");
  assertEquals(lines.length, 2 + Object.keys(OPTIONS).length);
  for (const line of lines) {
    assertEquals(line.split(/(?<!\\)\|/).length, 5, line);
  }
  assertStringIncludes(
    optionsMarkdown(OPTIONS),
    "| `-d`, `--debug` | Log debug messages too. |  |\n",
  );
  assertStringIncludes(optionsMarkdown(OPTIONS), "`--log_format` text\\|json |");
});
