/**
 * Which nodes a cluster may use, and how many of their CPUs: the client's node list.
 *
 * @module
 */

/** One entry of a client's node list (dispy's `NodeAllocate`). */
export interface NodeAllocation {
  /** Address or name of the nodes; `*` stands for any run of characters: `192.168.1.*`. */
  readonly pattern: string;
  /** Port at which to look for the node, or `null` for the usual one. */
  readonly port: number | null;
  /** `> 0`: use at most so many CPUs of a node; `< 0`: leave so many unused; `0`: use all. */
  readonly cpus: number;
  /** What the server needs to set the node up with (files, setup arguments). Opaque here. */
  readonly setup: unknown;
}

/** Whether `pattern` names the node with this address or name. Without `*`, exactly. */
export function patternMatches(pattern: string, ipAddr: string, name: string): boolean {
  if (!pattern.includes("*")) return pattern === ipAddr || pattern === name;
  const parts = pattern.split("*");
  return globMatches(parts, ipAddr) || (name !== "" && globMatches(parts, name));
}

/** Matches the literal parts between the stars in order, the first and last anchored. */
function globMatches(parts: readonly string[], text: string): boolean {
  const head = parts[0]!;
  const tail = parts[parts.length - 1]!;
  if (text.length < head.length + tail.length) return false;
  if (!text.startsWith(head) || !text.endsWith(tail)) return false;
  let from = head.length;
  const end = text.length - tail.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const part = parts[i]!;
    const at = text.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}

/** Whether there may be a node that both `a` and `b` name, known or not. */
export function mayOverlap(
  a: readonly NodeAllocation[],
  b: readonly NodeAllocation[],
): boolean {
  return a.some((one) => b.some((other) => patternsOverlap(one.pattern, other.pattern)));
}

function patternsOverlap(a: string, b: string): boolean {
  // An address here and a name there may be those of one node.
  if (isAddress(a) !== isAddress(b) && a !== "*" && b !== "*") return true;
  if (!a.includes("*")) return a === b || (b.includes("*") && globMatches(b.split("*"), a));
  if (!b.includes("*")) return globMatches(a.split("*"), b);
  // Whatever stands between the stars fits in one behind the other: only the ends can differ.
  const [partsA, partsB] = [a.split("*"), b.split("*")];
  const [headA, headB] = [partsA[0]!, partsB[0]!];
  const [tailA, tailB] = [partsA.at(-1)!, partsB.at(-1)!];
  return (headA.startsWith(headB) || headB.startsWith(headA)) &&
    (tailA.endsWith(tailB) || tailB.endsWith(tailA));
}

/** Whether a pattern is meant for addresses, not for names. */
function isAddress(pattern: string): boolean {
  return pattern.includes(":") || /^[\d.*]+$/.test(pattern);
}

/**
 * The allocations in the order in which they are tried: the most specific first (addresses
 * before wildcards, longer wildcards before shorter), else as the client gave them. dispy sorts
 * its patterns in reverse to the same end.
 */
export function bySpecificity(allocations: readonly NodeAllocation[]): NodeAllocation[] {
  const rank = ({ pattern }: NodeAllocation) =>
    pattern.includes("*") ? pattern.replaceAll("*", "").length : Infinity;
  // Infinity - Infinity is NaN, which a sort takes as 0: stable for exact addresses.
  return [...allocations].sort((a, b) => {
    const [rankA, rankB] = [rank(a), rank(b)];
    return rankA === rankB ? 0 : rankB - rankA;
  });
}

/** How many CPUs of a node with `nodeCpus` CPUs `allocation` may use: 0 to `nodeCpus`. */
export function allocatedCpus(allocation: NodeAllocation, nodeCpus: number): number {
  if (allocation.cpus > 0) return Math.min(allocation.cpus, nodeCpus);
  return Math.max(0, nodeCpus + allocation.cpus);
}

/** What a node is known by. */
interface NodeNames {
  readonly ipAddr: string;
  readonly name: string;
  /** At which it can be reached, too. */
  readonly otherAddresses?: ReadonlySet<string>;
}

/** Whether `pattern` names the node, by whichever of its addresses. */
export function patternNames(pattern: string, node: NodeNames): boolean {
  if (patternMatches(pattern, node.ipAddr, node.name)) return true;
  for (const address of node.otherAddresses ?? []) {
    if (patternMatches(pattern, address, "")) return true;
  }
  return false;
}

/** The first of `allocations` (sorted) that gives CPUs on the node, or `undefined`. */
export function findAllocation(
  allocations: readonly NodeAllocation[],
  node: NodeNames & { readonly availCpus: number },
): NodeAllocation | undefined {
  return allocations.find((allocation) =>
    patternNames(allocation.pattern, node) && allocatedCpus(allocation, node.availCpus) > 0
  );
}
