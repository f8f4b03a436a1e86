/** Items as the caller gives them. */
export type Items<T> = Iterable<T> | AsyncIterable<T>;

/**
 * Takes one item after the other out of what the caller gives, however it gives it, and only when asked to. Never two at a
 * time, never again behind the end or a failure.
 */
export class ItemFeed<T> {
  readonly #items: AsyncIterator<T> | Iterator<T>;
  #isAsking = false;
  #isOver = false;

  constructor(items: Items<T>) {
    this.#items = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  }

  /** There is nothing more to come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** The next item; undefined at the end, or when one is being asked for already. Throws what the caller's code throws. */
  async next(): Promise<{ readonly item: T } | undefined> {
    if (this.#isAsking || this.#isOver) return undefined;
    this.#isAsking = true;
    try {
      const next = await this.#items.next();
      if (!next.done) return { item: next.value };
      this.#isOver = true;
      return undefined;
    } catch (error) {
      this.#isOver = true;
      throw error;
    } finally {
      this.#isAsking = false;
    }
  }

  /** Nothing more is wanted. Not waited for: the caller's code may be waiting itself. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    Promise.resolve(this.#items.return?.()).catch(() => undefined);
  }
}
