import type { Left } from './status.ts';

/**
 * What is left of a list while its rows come in, by position in the list. Nothing is ever added, so an array is enough, and
 * takes a fifth of what a map of a million items would.
 */
export class LeftItems {
  readonly #items: (Left | undefined)[];
  readonly #indexes: Uint32Array;

  /** @param items in the order of the list; the array is kept, and changed */
  constructor(items: Left[]) {
    this.#items = items;
    this.#indexes = Uint32Array.from(items, ({ index }) => index);
  }

  get(index: number): Left | undefined {
    return this.#items[this.#placeOf(index)];
  }

  has(index: number): boolean {
    return this.get(index) !== undefined;
  }

  /** In the place of what is known of the item so far. */
  set(item: Left): void {
    const place = this.#placeOf(item.index);
    if (place === -1) throw new Error(`item ${item.index} was not left`);
    this.#items[place] = item;
  }

  delete(index: number): void {
    const place = this.#placeOf(index);
    if (place !== -1) this.#items[place] = undefined;
  }

  /** In the order of the list. What is deleted meanwhile does not come any more. */
  *values(): Generator<Left, void> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }

  /** -1: none. */
  #placeOf(index: number): number {
    let [low, high] = [0, this.#indexes.length - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#indexes[middle] ?? 0;
      if (found === index) return middle;
      if (found < index) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
