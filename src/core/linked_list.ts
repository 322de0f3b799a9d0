/**
 * A doubly linked list whose links live in its elements: adding, removing from anywhere and
 * reading the first are O(1), whatever the length. (A `Map` or `Set` used as a queue is not:
 * reading its first key skips all that were deleted before it.)
 *
 * @module
 */

/** What an element of a {@linkcode LinkedList} carries. An element is in one list at most. */
export interface Linked<T> {
  /** The next element, or `null` at the end. Owned by the list. */
  next: T | null;
  /** The previous element, or `null` at the beginning. Owned by the list. */
  previous: T | null;
  /** The list that the element is in, or `null`. Owned by the list. */
  list: object | null;
}

/** See the module's description. */
export class LinkedList<T extends Linked<T>> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  /** The first element, or `null` where the list is empty. */
  get first(): T | null {
    return this.#first;
  }

  /** The last element, or `null` where the list is empty. */
  get last(): T | null {
    return this.#last;
  }

  /** Number of elements. */
  get size(): number {
    return this.#size;
  }

  /** Whether `element` is in this list. */
  has(element: T): boolean {
    return element.list === this;
  }

  /** Appends `element`, which must not be in a list. */
  push(element: T): void {
    this.#link(element, this.#last, null);
  }

  /**
   * Inserts `element` before the first element `other` with `comesBefore(element, other)`:
   * keeps a sorted list sorted. Takes as many steps as there are elements in front of it.
   */
  insert(element: T, comesBefore: (element: T, other: T) => boolean): void {
    let other = this.#first;
    while (other !== null && !comesBefore(element, other)) other = other.next;
    this.#link(element, other === null ? this.#last : other.previous, other);
  }

  /** Removes `element`; does nothing where it is not in this list. */
  remove(element: T): void {
    if (!this.has(element)) return;
    if (element.previous === null) this.#first = element.next;
    else element.previous.next = element.next;
    if (element.next === null) this.#last = element.previous;
    else element.next.previous = element.previous;
    element.next = element.previous = null;
    element.list = null;
    this.#size--;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    // The successor is read first, so that the caller may remove what it was given.
    for (let element = this.#first; element !== null;) {
      const next: T | null = element.next;
      yield element;
      element = next;
    }
  }

  #link(element: T, previous: T | null, next: T | null): void {
    if (element.list !== null) throw new Error("element is in a list already");
    element.previous = previous;
    element.next = next;
    element.list = this;
    if (previous === null) this.#first = element;
    else previous.next = element;
    if (next === null) this.#last = element;
    else next.previous = element;
    this.#size++;
  }
}
