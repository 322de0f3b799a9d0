import { isIP } from "node:net";

/**
 * A value which an option does not take. The message completes the sentence `"<value>" is not …`
 * and says what would be right; it never repeats the value.
 */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const SIZE = /^(\d+)([kmgt]?)$/i;
const SIZE_FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** A label of a host name; underscores are common on private networks. */
const HOST_LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** Part of an IP address with `*` for any part of it. */
const ADDRESS_PATTERN = /^[0-9a-f.:*]+$/i;

/** Reads a decimal number within limits, or throws a `ValueError` with `expected`. */
function numberWithin(text: string, min: number, max: number, expected: string): number {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw new ValueError(expected);
  return value;
}

/** Seconds, fractions allowed, to whole milliseconds. */
function secondsToMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

/**
 * Reads a TCP or UDP port.
 *
 * @param text Digits.
 * @param max The highest port allowed.
 * @returns The port, from 1.
 * @throws {ValueError} When it is no whole number from 1 to `max`.
 */
export function parsePort(text: string, max = 65535): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > max) {
    throw new ValueError(`a port: give a whole number from 1 to ${max}`);
  }
  return port;
}

/**
 * Reads the first port of a family, which takes the two above it as well.
 *
 * @param text Digits.
 * @returns The port.
 * @throws {ValueError} When it is no whole number from 1 to 65533.
 */
export function parseBasePort(text: string): number {
  try {
    return parsePort(text, 65533);
  } catch {
    throw new ValueError(
      "a port for this: give a whole number from 1 to 65533 (the two ports above it are used too)",
    );
  }
}

/**
 * Reads seconds between pulse messages: 1 to 600, as the manual of dispyscheduler says.
 *
 * @param text Seconds, fractions allowed.
 * @returns Milliseconds.
 * @throws {ValueError} When it is no such number.
 */
export function parsePulseInterval(text: string): number {
  return secondsToMs(numberWithin(text, 1, 600, "a number of seconds from 1 to 600"));
}

/**
 * Reads seconds between pings: 1 to 1000, dispy's own limits.
 *
 * @param text Seconds, fractions allowed.
 * @returns Milliseconds.
 * @throws {ValueError} When it is no such number.
 */
export function parsePingInterval(text: string): number {
  return secondsToMs(numberWithin(text, 1, 1000, "a number of seconds from 1 to 1000"));
}

/**
 * Reads the time limit of one message exchange.
 *
 * @param text Seconds, fractions allowed.
 * @returns Milliseconds, at least 1 and at most a day.
 * @throws {ValueError} When it is no such number.
 */
export function parseMessageTimeout(text: string): number {
  return secondsToMs(
    numberWithin(text, 0.001, 86400, "a number of seconds from 0.001 to 86400 (a day)"),
  );
}

/**
 * Reads how long something may run.
 *
 * @param text Seconds, fractions allowed.
 * @returns Milliseconds, at least 1 and no more than a timer can hold (2³¹ - 1 ms).
 * @throws {ValueError} When it is no such number.
 */
export function parseTimeLimit(text: string): number {
  return secondsToMs(
    numberWithin(text, 0.001, 2_000_000, "a number of seconds from 0.001 to 2000000 (23 days)"),
  );
}

/**
 * Reads minutes until a silent client is given up.
 *
 * @param text Minutes, fractions allowed; 0 stands for never.
 * @returns Milliseconds, or 0 for never. The upper limit keeps it within what a timer can hold
 *   (2³¹ - 1 ms).
 * @throws {ValueError} When it is neither 0 nor from 1 to 30000.
 */
export function parseZombieInterval(text: string): number {
  const expected = "a number of minutes: give 0 (never) or 1 to 30000";
  const minutes = numberWithin(text, 0, 30000, expected);
  if (minutes > 0 && minutes < 1) throw new ValueError(expected);
  return secondsToMs(minutes * 60);
}

/**
 * Reads for how many days something is kept.
 *
 * @param text Days, fractions allowed; 0 stands for ever.
 * @returns Days.
 * @throws {ValueError} When it is not from 0 to 36500.
 */
export function parseKeepDays(text: string): number {
  return numberWithin(text, 0, 36_500, "a number of days from 0 (for ever) to 36500");
}

/**
 * Reads a file size such as `500`, `64k`, `10M`, `1g`, `2t` (k is 1024).
 *
 * @param text Digits and at most one letter.
 * @returns Bytes; 0 stands for no limit.
 * @throws {ValueError} When it is no such size, or too large to count exactly.
 */
export function parseSize(text: string): number {
  const [, digits, letter = ""] = SIZE.exec(text) ?? [];
  const sizeBytes = Number(digits) * (SIZE_FACTORS[letter.toLowerCase()] ?? NaN);
  if (!Number.isSafeInteger(sizeBytes)) {
    throw new ValueError(
      "a size: give a whole number with at most one letter of k, m, g, t behind it, such as 10m " +
        "(0 is no limit)",
    );
  }
  return sizeBytes;
}

/**
 * Reads how many of something there may be.
 *
 * @param text Digits.
 * @returns The number, from 1.
 * @throws {ValueError} When it is no whole number from 1 on.
 */
export function parseCount(text: string): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new ValueError("a whole number from 1 on");
  return count;
}

function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= 253 && labels.every((label) => HOST_LABEL.test(label)) &&
    // "10.0.0.300" is a mistyped address, not a name.
    !/^\d+$/.test(labels.at(-1) ?? "");
}

/**
 * Reads a host: its name or its IPv4 or IPv6 address. Nothing is resolved.
 *
 * @param text For example `10.0.0.5`, `fe80::1` or `node5.example.org`.
 * @returns The text.
 * @throws {ValueError} When it can be neither a name nor an address.
 */
export function parseHost(text: string): string {
  if (isIP(text) === 0 && !isHostName(text)) {
    throw new ValueError(
      "a host name or an IP address, such as 10.0.0.5 (for several, repeat the option)",
    );
  }
  return text;
}

/**
 * Reads a node: like {@linkcode parseHost}, or an address with `*` in it, which stands for all
 * addresses that fit (`*` alone: every node).
 *
 * @param text For example `10.0.0.5` or `10.0.0.*`.
 * @returns The text.
 * @throws {ValueError} When it is none of these.
 */
export function parseNode(text: string): string {
  if (text.includes("*") && ADDRESS_PATTERN.test(text)) return text;
  try {
    return parseHost(text);
  } catch {
    throw new ValueError(
      "a host name, an IP address or an address with *, such as 10.0.0.5 or 10.0.0.* " +
        "(for several, repeat the option)",
    );
  }
}

/**
 * Reads the path of a file or directory. Nothing is opened.
 *
 * @param text A path.
 * @returns The path.
 * @throws {ValueError} When it is empty or holds a NUL character.
 */
export function parsePath(text: string): string {
  if (text.trim() === "" || text.includes("\0")) throw new ValueError("a path");
  return text;
}

/**
 * Makes a reader for one of several words.
 *
 * @param words The words allowed.
 * @returns A function which reads one of the words, in any case, and throws `ValueError` else.
 */
export function parseWord<Word extends string>(...words: Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found === undefined) throw new ValueError(`one of ${words.join(", ")}`);
    return found;
  };
}

/**
 * Reads a flag as configuration files write it.
 *
 * @param text `True`, `yes`, `on`, `1` or `False`, `no`, `off`, `0`, in any case.
 * @returns Whether it is on.
 * @throws {ValueError} When it is none of these.
 */
export function parseFlag(text: string): boolean {
  const word = text.toLowerCase();
  if (["true", "yes", "on", "1"].includes(word)) return true;
  if (["false", "no", "off", "0"].includes(word)) return false;
  throw new ValueError("a flag: give True or False");
}
