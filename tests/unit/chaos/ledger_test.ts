/** The books of a chaos run: what is wrong in them is found. */

import { deepStrictEqual as equal } from "node:assert/strict";
import { audit, type Books, type Wrong } from "../../interop/chaos/ledger.ts";

/** Books of one client, whose jobs have done all that is to be done unless said otherwise. */
function books(changes: Partial<Books>): Books {
  return {
    name: "client 1",
    reentrant: false,
    ledger: "a 1\na 2\no 1 11 right\no 2 11 right\n",
    executions: "x 1 10.6.0.11\nx 2 10.6.0.12\n",
    ...changes,
  };
}

/** All that is found wrong. */
function found(changes: Partial<Books>): [Wrong, readonly string[]][] {
  return [...audit([books(changes)]).faults].filter(([, jobs]) => jobs.length > 0);
}

Deno.test("jobs with one right result each are fine", () => {
  const { tally, faults } = audit([books({}), books({ name: "client 2" })]);
  equal([...faults.values()].flat(), []);
  equal(tally, {
    accepted: 4,
    notAccepted: 0,
    outcomes: { Finished: 4 },
    ranAgain: 0,
    givenUp: 0,
    races: 0,
  });
});

Deno.test("an accepted job without an outcome is lost, one that was not accepted is not", () => {
  equal(found({ ledger: "a 1\nn 2\n" }), [["lost", ["client 1: 1"]]]);
});

Deno.test("a job with two outcomes is doubled, whatever they are", () => {
  equal(found({ ledger: "a 1\no 1 11 right\no 1 8 none\n" }), [["doubled", ["client 1: 1"]]]);
});

Deno.test("a wrong result is found", () => {
  equal(found({ ledger: "a 1\no 1 11 wrong\n" }), [["wrong results", ["client 1: 1"]]]);
});

Deno.test("a result that no node has worked for is found", () => {
  equal(found({ executions: "x 2 n\n" }), [["finished without having run", ["client 1: 1"]]]);
});

Deno.test("a job may run twice only where its client has said so", () => {
  const executions = "x 1 a\nx 1 b\nx 2 a\n";
  equal(found({ executions }), [["run twice though not reentrant", ["client 1: 1"]]]);
  equal(found({ executions, reentrant: true }), []);
  equal(audit([books({ executions, reentrant: true })]).tally.ranAgain, 1);
});

Deno.test("jobs that dispynode loses by itself are told apart", () => {
  const { tally, faults } = audit([books({ ledger: "a 1\no 1 9 race\n", reentrant: true })]);
  equal([...faults.values()].flat(), []);
  equal([tally.races, tally.givenUp], [1, 0]);
});

Deno.test("a job may be given up only where it must not run twice", () => {
  const ledger = "a 1\no 1 8 none\n";
  equal(found({ ledger }), []);
  equal(audit([books({ ledger })]).tally.givenUp, 1);
  equal(found({ ledger, reentrant: true }), [["reentrant, but not finished", ["client 1: 1"]]]);
});
