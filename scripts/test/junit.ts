/**
 * What a test file has come to, from the report that Deno writes in JUnit's format.
 *
 * @module
 */

/** What came out of a test file, of a stage, or of all. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A tally of nothing. */
export function noTally(): Tally {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** Adds `tally` to `sum`. */
export function add(sum: Tally, tally: Tally): void {
  sum.passed += tally.passed;
  sum.failed += tally.failed;
  sum.skipped += tally.skipped;
}

/** Adds up what the text of a JUnit report tells. */
export function tallyOf(report: string): Tally {
  const tally = noTally();
  // A `<` in a test's name or output is escaped, so each of these is a real element.
  for (const [suite] of report.matchAll(/<testsuite\s[^>]*>/g)) {
    const count = (name: string) => Number(suite.match(` ${name}="(\\d+)"`)?.[1] ?? 0);
    const failed = count("failures") + count("errors");
    tally.failed += failed;
    tally.skipped += count("disabled");
    tally.passed += count("tests") - failed - count("disabled");
  }
  return tally;
}
