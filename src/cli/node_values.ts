import { ValueError } from "./values.ts";

/** Longest time limit: what a timer can hold (2³¹ - 1 ms), rounded down. */
const MAX_DURATION_S = 2_000_000;

/** A time of day, or a point in the local day. */
export interface TimeOfDay {
  readonly hours: number;
  readonly minutes: number;
}

/**
 * Reads how many CPUs a node offers.
 *
 * @param text A whole number; 0 = all, a negative one = all but that many.
 * @returns The number as given.
 * @throws {ValueError} When it is no whole number.
 */
export function parseCpus(text: string): number {
  if (!/^-?\d{1,5}$/.test(text)) {
    throw new ValueError("a number of CPUs: give a whole number (-1: all but one; 0: all)");
  }
  return Number(text);
}

/**
 * Reads how many computations a node serves.
 *
 * @param text A whole number.
 * @returns The number, or `null` for any number of them (a negative one, as dispynode has it).
 * @throws {ValueError} When it is no whole number.
 */
export function parseServe(text: string): number | null {
  if (!/^-?\d{1,9}$/.test(text)) {
    throw new ValueError("a number of computations: give a whole number (-1: no limit)");
  }
  return text.startsWith("-") ? null : Number(text);
}

/**
 * Reads a time of day.
 *
 * @param text `HH:MM`, 24 hours.
 * @returns The time.
 * @throws {ValueError} When it is none.
 */
export function parseTimeOfDay(text: string): TimeOfDay {
  const [, hours = "", minutes = ""] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hours === "" || Number(hours) > 23 || Number(minutes) > 59) {
    throw new ValueError("a time of day: give HH:MM, such as 18:30");
  }
  return { hours: Number(hours), minutes: Number(minutes) };
}

/**
 * Reads how long a job or a setup function may run.
 *
 * @param text Seconds, fractions allowed.
 * @returns Milliseconds; 0 for no limit.
 * @throws {ValueError} When it is no such number.
 */
export function parseDuration(text: string): number {
  const seconds = /^\d{1,7}(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(seconds <= MAX_DURATION_S)) {
    throw new ValueError(`a number of seconds from 0 (no limit) to ${MAX_DURATION_S}`);
  }
  return Math.round(seconds * 1000);
}
