/**
 * The hours of the day in which a node serves.
 *
 * @module
 */

/** A time of day by the local clock. */
export interface ClockTime {
  readonly hours: number;
  readonly minutes: number;
}

/** When a node serves, every day; all `null` = always. */
export interface ServiceHours {
  /** From here on jobs are taken; `null` = from the stop or end of the day before. */
  readonly start: ClockTime | null;
  /** From here on no more jobs are taken, and those that run go on. */
  readonly stop: ClockTime | null;
  /** From here on none runs. */
  readonly end: ClockTime | null;
}

/** What a node does at a time: takes jobs, only finishes those that it has, or nothing. */
export type ServiceState = "open" | "finishing" | "shut";

/** What `hours` say of the moment `now`. */
export function serviceStateAt(hours: ServiceHours, now: Date): ServiceState {
  const nowMinutes = now.getHours() * 60 + now.getMinutes();
  // What was last passed, going back in time from now (a day has 1440 minutes), is what holds.
  let state: ServiceState = "open";
  let leastAgo = Infinity;
  const consider = (time: ClockTime | null, then: ServiceState) => {
    if (time === null) return;
    const agoMinutes = (nowMinutes - (time.hours * 60 + time.minutes) + 1440) % 1440;
    if (agoMinutes > leastAgo) return;
    leastAgo = agoMinutes;
    state = then;
  };
  // Without a start, the node serves from midnight on.
  if (hours.stop !== null || hours.end !== null) {
    consider(hours.start ?? { hours: 0, minutes: 0 }, "open");
  }
  consider(hours.stop, "finishing");
  consider(hours.end, "shut");
  return state;
}
