/**
 * Reads pieces of an asked size from chunks of any size. What it hands out is good until it is asked again. Holds one
 * chunk of its input; whoever makes one closes it.
 */
export class ByteReader {
  readonly #input: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #ended = false;

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  /** The next bytes, at least one and at most `maxBytes`; none at the end of the input. */
  async some(maxBytes: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      if (this.#ended) return undefined;
      const next = await this.#input.next();
      if (next.done === true) this.#ended = true;
      else this.#chunk = next.value;
    }
    const taken = this.#chunk.subarray(0, maxBytes);
    this.#chunk = this.#chunk.subarray(taken.length);
    return taken;
  }

  /** Just so many; fewer at the end of the input. */
  async exactly(bytes: number): Promise<Uint8Array> {
    const first = await this.some(bytes);
    if (first === undefined || first.length === bytes) return first ?? new Uint8Array();
    const held = Buffer.allocUnsafe(bytes);
    held.set(first);
    let length = first.length;
    while (length < bytes) {
      const more = await this.some(bytes - length);
      if (more === undefined) break;
      held.set(more, length);
      length += more.length;
    }
    return held.subarray(0, length);
  }

  async close(): Promise<void> {
    this.#ended = true;
    this.#chunk = new Uint8Array();
    await this.#input.return?.();
  }
}
