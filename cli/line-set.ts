/** A set of small whole numbers, one bit each: a million lines take 125 KB. */
export class LineSet {
  #bits = new Uint8Array(1_024);

  /** False when it was in the set already. */
  add(index: number): boolean {
    const byte = index >>> 3;
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    const bit = 1 << (index & 7);
    const before = this.#bits[byte] ?? 0;
    this.#bits[byte] = before | bit;
    return (before & bit) === 0;
  }
}
