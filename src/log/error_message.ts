/**
 * What an error says.
 *
 * @module
 */

/** Deno's words for the number of a system's error: `(os error 2)`. */
const ERROR_NUMBER = / \(os error \d+\)/g;

/** What failed, as Deno (`…: open '/x'`) and Node.js (`…, stat '/x'`) say it at the end. */
const FAILED_OPERATION = /[:,] ([a-z]+ '[^']*'(?: -> '[^']*')?)$/;

/** Node.js puts the code of a system's error in front of its text. */
const ERROR_CODE = /^E[A-Z0-9]+: /;

/** How Deno refuses what its flags do not permit. */
const REFUSED_ACCESS = /^Requires (\w+) access to (.*), run again with the (--allow-\w+) flag$/;

/** How the system's resolver and Node.js say that a host name means nothing. */
const UNKNOWN_HOST = /^(?:failed to lookup address information: .*|getaddrinfo \w+ .*)$/;

/**
 * An error's message, whatever was thrown: what Deno and Node.js say of system errors is put into
 * words that do not need to be looked up.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error;
  const [, access, what, flag] = message.match(REFUSED_ACCESS) ?? [];
  if (flag !== undefined) return `Deno was not allowed ${access} access to ${what}; add ${flag}`;
  if (UNKNOWN_HOST.test(message)) return "the name is not known";
  return message.replace(ERROR_CODE, "").replaceAll(ERROR_NUMBER, "")
    .replace(FAILED_OPERATION, " ($1)");
}
