/**
 * JSON objects of a known shape: one description is the type, the writer and the checking reader.
 * Names are `camelCase` here and `snake_case` on the wire.
 *
 * @module
 */

import { WireError } from "./errors.ts";

/** What a value looks like; with `?`, it can be `null` instead. */
export type Shape =
  | "string"
  | "number"
  | "boolean"
  | "string?"
  | "number?"
  | readonly [Shape]
  | { readonly [field: string]: Shape };

/** The values of a shape. */
export type Shaped<S> = S extends "string" ? string
  : S extends "number" ? number
  : S extends "boolean" ? boolean
  : S extends "string?" ? string | null
  : S extends "number?" ? number | null
  : S extends readonly [infer Item] ? readonly Shaped<Item>[]
  : { readonly [Field in keyof S]: Shaped<S[Field]> };

/** A value as `JSON.stringify` takes it and `JSON.parse` gives it. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [field: string]: Json };

function wireName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Writes a value.
 *
 * @param shape What of it is written, whatever else it has.
 * @returns Plain data for `JSON.stringify`.
 */
export function toJson<S extends Shape>(shape: S, value: Shaped<S>): Json {
  return write(shape, value);
}

function write(shape: Shape, value: unknown): Json {
  if (typeof shape === "string") return value as Json;
  if (isList(shape)) return (value as unknown[]).map((item) => write(shape[0], item));
  return Object.fromEntries(
    Object.entries(shape).map(([field, inner]) => [
      wireName(field),
      write(inner, (value as Record<string, unknown>)[field]),
    ]),
  );
}

/**
 * Reads a value; fields that the shape does not name are left out.
 *
 * @param what Names the message in errors.
 * @throws {WireError} `malformed` where the value is of another shape.
 */
export function fromJson<S extends Shape>(shape: S, json: unknown, what: string): Shaped<S> {
  return read(shape, json, what) as Shaped<S>;
}

function read(shape: Shape, json: unknown, what: string): unknown {
  if (typeof shape === "string") {
    if (shape.endsWith("?") && json === null) return null;
    const wanted = shape.replace("?", "");
    const actual: string = typeof json;
    if (actual !== wanted) throw new WireError("malformed", `${what}: must be a ${wanted}`);
    return json;
  }
  if (isList(shape)) {
    if (!Array.isArray(json)) throw new WireError("malformed", `${what}: must be a list`);
    return json.map((item) => read(shape[0], item, what));
  }
  if (typeof json !== "object" || json === null) {
    throw new WireError("malformed", `${what}: must be an object`);
  }
  return Object.fromEntries(
    Object.entries(shape).map(([field, inner]) => {
      const name = wireName(field);
      const value = Object.hasOwn(json, name) ? (json as Record<string, unknown>)[name] : undefined;
      return [field, read(inner, value, `${what}: field "${name}"`)];
    }),
  );
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
