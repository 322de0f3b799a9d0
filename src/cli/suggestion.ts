import { closestString } from "@std/text/closest_string.js";
import { levenshteinDistance } from "@std/text/levenshtein_distance.js";

/**
 * Finds the word that was probably meant.
 *
 * @param given What was typed.
 * @param words The words that exist.
 * @returns The nearest word, when no more than a third of it (at least two letters) differs.
 */
export function nearestWord(given: string, words: readonly string[]): string | undefined {
  // The distance takes time in the product of both lengths; nobody mistypes this long a name.
  if (words.length === 0 || given.length > 100) return undefined;
  const nearest: string = closestString(given, [...words]);
  const distance: number = levenshteinDistance(given.toLowerCase(), nearest);
  return distance <= Math.max(2, Math.floor(nearest.length / 3)) ? nearest : undefined;
}
