/**
 * A fixed number of loads, all empty at first, and which of them is the lightest: a binary heap, since a long list has
 * many lanes and many shards. Deterministic: of equal ones the first.
 */
export class Loads {
  readonly #weights: Float64Array;
  /** Positions of the loads, the lightest at the root. */
  readonly #heap: Uint32Array;

  constructor(count: number) {
    this.#weights = new Float64Array(count);
    this.#heap = Uint32Array.from({ length: count }, (_, position) => position);
  }

  /** Puts a weight onto the lightest load and answers which one that was. */
  put(weight: number): number {
    const lightest = this.#heap[0] ?? 0;
    this.#weights[lightest] = this.#weightOf(lightest) + weight;
    this.#sink();
    return lightest;
  }

  /** The root has become heavier: it goes down until what is below it is no lighter. */
  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && this.#isLighter(heap[child] ?? 0, heap[least] ?? 0)) least = child;
      }
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least] ?? 0, heap[at] ?? 0];
      at = least;
    }
  }

  #isLighter(one: number, other: number): boolean {
    const difference = this.#weightOf(one) - this.#weightOf(other);
    return difference < 0 || (difference === 0 && one < other);
  }

  #weightOf(position: number): number {
    return this.#weights[position] ?? 0;
  }
}
