import { hash } from 'node:crypto';

/**
 * Fingerprint of a text → a line and a fingerprint, 20 bytes an entry: ten million keys as strings would not fit into a Lambda. Texts are
 * told apart by 64 bits of SHA-256 and not kept; two of ten million meet by chance in one of 300,000 such lists.
 */
const WORDS = 5;
const FIRST_SLOTS = 1 << 10;

export interface Entry {
  /** 1 to 2^32 - 1 */
  readonly line: number;
  /** Of what belongs to the text. */
  readonly print: Fingerprint;
}

/** 64 bits. */
export type Fingerprint = readonly [number, number];

export function fingerprint(text: string): Fingerprint {
  const digest = hash('sha256', text, 'buffer');
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/** Open addressing with linear probing; grows at two thirds. Line 0 marks an empty slot. */
export class HashTable {
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  get(key: Fingerprint): Entry | undefined {
    const at = this.#find(key);
    const line = this.#words[at + 4] ?? 0;
    return line === 0 ? undefined : { line, print: [this.#words[at + 2] ?? 0, this.#words[at + 3] ?? 0] };
  }

  /** Keeps the first entry of a key. */
  add(key: Fingerprint, { line, print }: Entry): void {
    if ((this.#size + 1) * 3 > this.#slots * 2) this.#grow();
    const at = this.#find(key);
    if (this.#words[at + 4] !== 0) return;
    this.#words.set([key[0], key[1], print[0], print[1], line], at);
    this.#size += 1;
  }

  /** Word of the slot that holds the key, or would. */
  #find(key: Fingerprint): number {
    let slot = key[0] & (this.#slots - 1);
    for (;;) {
      const at = slot * WORDS;
      if (this.#words[at + 4] === 0) return at;
      if (this.#words[at] === key[0] && this.#words[at + 1] === key[1]) return at;
      slot = (slot + 1) & (this.#slots - 1);
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 4] === 0) continue;
      this.#words.set(old.subarray(at, at + WORDS), this.#find([old[at] ?? 0, old[at + 1] ?? 0]));
    }
  }
}
