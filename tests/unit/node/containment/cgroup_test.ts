/** Groups of processes that the system kills at once. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { Cgroups, ownGroup } from "../../../../src/node/containment/cgroup.ts";
import { commandsWith } from "./escaping_node.ts";

const found = await Cgroups.open();
if (typeof found !== "string") await found.close();

Deno.test({
  name: "whatever a process does to itself, it ends with its group, and no other does",
  ignore: typeof found === "string",
  fn: async () => {
    const cgroups = await Cgroups.open() as Cgroups;
    const [one, other] = [await cgroups.make(), await cgroups.make()];
    const seconds = () => `9${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    const [doomed, spared] = [seconds(), seconds()];
    for (const [group, text] of [[one, doomed], [other, spared]] as const) {
      const script = `for each in 1 2 3; do setsid env -i sleep ${text} & done >/dev/null 2>&1`;
      const [program = "", ...args] = [...group.launcher, "sh", "-c", script];
      await new Deno.Command(program, { args }).output();
    }
    while (commandsWith(doomed).length < 3 || commandsWith(spared).length < 3);
    equal(await one.kill(), true);
    equal([commandsWith(doomed), commandsWith(spared).length], [[], 3]);
    await one.close();
    await other.close();
    equal(commandsWith(spared), []);
    await cgroups.close();
    equal(await Deno.stat(cgroups.folder).catch(() => null), null);
  },
});

Deno.test({
  name: "what a killed node has left is removed by the next, and of no node that lives",
  ignore: typeof found === "string",
  fn: async () => {
    const living = await Cgroups.open() as Cgroups;
    const own = `-${Deno.pid}-`;
    // No process has that number: it is beyond the largest.
    const dead = living.folder.replace(own, "-4194305-");
    await Deno.mkdir(`${dead}/of a computation`, { recursive: true });
    const next = await Cgroups.open() as Cgroups;
    const there = (path: string) => Deno.stat(path).then(() => true, () => false);
    equal([await there(dead), await there(living.folder)], [false, true]);
    await living.close();
    // Should it be taken for one, it comes back.
    await (await living.make()).close();
    await living.close();
    await next.close();
  },
});

Deno.test("the node's own group is found however cgroup v2 is mounted", () => {
  const v1 = "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  const hybrid = v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
  equal(ownGroup(hybrid, "4:memory:/x\n0::/user.slice/a\n"), "/sys/fs/cgroup/unified/user.slice/a");
  equal(ownGroup(hybrid, "0::/\n"), "/sys/fs/cgroup/unified/");
  const one = "25 30 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
  equal(
    ownGroup(one, "0::/system.slice/node.service\n"),
    "/sys/fs/cgroup/system.slice/node.service",
  );
  const container = "25 30 0:26 /docker/7 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
  equal(ownGroup(container, "0::/docker/7/a\n"), "/sys/fs/cgroup/a");
  equal([ownGroup(v1, "4:memory:/x\n"), ownGroup(hybrid, "4:memory:/x\n")], [null, null]);
});
