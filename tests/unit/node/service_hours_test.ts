import { equal } from "node:assert/strict";
import { type ServiceHours, serviceStateAt } from "../../../src/node/service_hours.ts";

const at = (text: string) => {
  const [hours, minutes] = text.split(":").map(Number);
  return { hours: hours!, minutes: minutes! };
};

const hours = (start: string | null, stop: string | null, end: string | null): ServiceHours => ({
  start: start === null ? null : at(start),
  stop: stop === null ? null : at(stop),
  end: end === null ? null : at(end),
});

/** The state at a time of some day. */
function stateAt(service: ServiceHours, time: string): string {
  const { hours, minutes } = at(time);
  return serviceStateAt(service, new Date(2026, 5, 7, hours, minutes));
}

Deno.test("a node without hours always serves", () => {
  for (const time of ["0:00", "12:00", "23:59"]) {
    equal(stateAt(hours(null, null, null), time), "open");
  }
});

Deno.test("a node takes jobs from start to stop, finishes them until end, and then has none", () => {
  const office = hours("9:00", "17:30", "18:00");
  equal(stateAt(office, "8:59"), "shut");
  equal(stateAt(office, "9:00"), "open");
  equal(stateAt(office, "17:29"), "open");
  equal(stateAt(office, "17:30"), "finishing");
  equal(stateAt(office, "17:59"), "finishing");
  equal(stateAt(office, "18:00"), "shut");
  equal(stateAt(office, "0:00"), "shut");
});

Deno.test("a night's service begins on one day and ends on the next", () => {
  const night = hours("22:00", null, "6:00");
  equal(stateAt(night, "21:59"), "shut");
  equal(stateAt(night, "22:00"), "open");
  equal(stateAt(night, "0:00"), "open");
  equal(stateAt(night, "5:59"), "open");
  equal(stateAt(night, "6:00"), "shut");
});

Deno.test("without an end, what runs at the stop goes on until the next start", () => {
  const open = hours("9:00", "17:00", null);
  equal(stateAt(open, "20:00"), "finishing");
  equal(stateAt(open, "3:00"), "finishing");
});

Deno.test("without a start, the day begins at midnight", () => {
  const early = hours(null, "17:00", null);
  equal(stateAt(early, "0:00"), "open");
  equal(stateAt(early, "16:59"), "open");
  equal(stateAt(early, "17:00"), "finishing");
});
