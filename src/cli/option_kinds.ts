/**
 * What an entry of a table of options says.
 *
 * @module
 */

/** Whether an option works already; one that does not is warned of, never ignored in silence. */
export type Availability = "available" | "not available yet";

/** What all kinds of options have in common. */
interface OptionBase {
  /** Other long names of the option, with underscores. */
  readonly aliases?: readonly string[];
  /** The one-letter name. */
  readonly short?: string;
  /** The heading under which `--help` lists it. */
  readonly group: string;
  /** What it does, as sentences. */
  readonly help: string;
  readonly availability?: Availability;
  /** The option's key in configuration files of dispy 4.15, where that is none of its names. */
  readonly dispyKey?: string;
  /** Makes sense on the command line only, not in a configuration file. */
  readonly commandLineOnly?: boolean;
}

/** An option which is given or not. */
export interface FlagOption extends OptionBase {
  readonly kind: "flag";
}

interface WithValue<Value> extends OptionBase {
  /** What stands for the value in help. */
  readonly placeholder: string;
  /** What applies when the option is not given, as help shows it; empty when nothing does. */
  readonly defaultText: string;
  /** Reads a value; throws `ValueError`. */
  readonly parse: (text: string) => Value;
  /** The value must not be shown in messages. */
  readonly secret?: boolean;
}

/** An option with one value. */
export interface ValueOption<Value> extends WithValue<Value> {
  readonly kind: "value";
  /** In a configuration file, a zero stands for "not given": dispy writes it so. */
  readonly zeroIsNone?: boolean;
}

/** An option which may be repeated; its values make a list. */
export interface ListOption<Value> extends WithValue<Value> {
  readonly kind: "list";
}

/** Any option. */
export type Option = FlagOption | ValueOption<unknown> | ListOption<unknown>;

/** Makes an entry of a table. */
export function flag(option: Omit<FlagOption, "kind">): FlagOption {
  return { kind: "flag", ...option };
}

/** Makes an entry of a table. */
export function value<Value>(option: Omit<ValueOption<Value>, "kind">): ValueOption<Value> {
  return { kind: "value", ...option };
}

/** Makes an entry of a table. */
export function list<Value>(option: Omit<ListOption<Value>, "kind">): ListOption<Value> {
  return { kind: "list", ...option };
}

/** Takes a value as it is. */
export const asIs = (text: string): string => text;
