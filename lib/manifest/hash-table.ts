import { hash } from 'node:crypto';

/**
 * Fingerprint of a text → a line and a fingerprint, 26 to 32 bytes an entry: ten million keys as strings would not fit into a
 * Lambda. Texts are told apart by 64 bits of SHA-256 and not kept; two of ten million meet by chance in one of 300,000 such
 * lists. Entries stand one behind the other and never move, so that growing needs no second copy of them.
 */
const WORDS = 5;
const FIRST_SLOTS = 1 << 10;
const BLOCK_ENTRIES = 1 << 14;

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

/** Open addressing with linear probing; grows at two thirds. A slot holds the number of its entry, from 1; 0 is an empty one. */
export class HashTable {
  #slots = new Uint32Array(FIRST_SLOTS);
  #blocks: Uint32Array<ArrayBuffer>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength + this.#blocks.length * BLOCK_ENTRIES * WORDS * Uint32Array.BYTES_PER_ELEMENT;
  }

  get(key: Fingerprint): Entry | undefined {
    const number = this.#slots[this.#find(key)] ?? 0;
    if (number === 0) return undefined;
    const block = this.#blockOf(number);
    const at = wordOf(number);
    return { line: block[at + 4] ?? 0, print: [block[at + 2] ?? 0, block[at + 3] ?? 0] };
  }

  /** Keeps the first entry of a key. */
  add(key: Fingerprint, { line, print }: Entry): void {
    if ((this.#size + 1) * 3 > this.#slots.length * 2) this.#grow();
    const slot = this.#find(key);
    if (this.#slots[slot] !== 0) return;
    if (this.#size === this.#blocks.length * BLOCK_ENTRIES) this.#blocks.push(new Uint32Array(BLOCK_ENTRIES * WORDS));
    this.#size += 1;
    this.#slots[slot] = this.#size;
    const block = this.#blockOf(this.#size);
    const at = wordOf(this.#size);
    block[at] = key[0];
    block[at + 1] = key[1];
    block[at + 2] = print[0];
    block[at + 3] = print[1];
    block[at + 4] = line;
  }

  /** Empties it, and gives its memory back at once: V8 would do so when it happens to look. */
  release(): void {
    for (const { buffer } of this.#blocks) buffer.transfer(0);
    this.#slots.buffer.transfer(0);
    this.#slots = new Uint32Array(FIRST_SLOTS);
    this.#blocks = [];
    this.#size = 0;
  }

  /** The slot that holds the key, or would. */
  #find(key: Fingerprint): number {
    const last = this.#slots.length - 1;
    for (let slot = key[0] & last; ; slot = (slot + 1) & last) {
      const number = this.#slots[slot] ?? 0;
      if (number === 0) return slot;
      const block = this.#blockOf(number);
      const at = wordOf(number);
      if (block[at] === key[0] && block[at + 1] === key[1]) return slot;
    }
  }

  #blockOf(number: number): Uint32Array<ArrayBuffer> {
    return this.#blocks[Math.floor((number - 1) / BLOCK_ENTRIES)] as Uint32Array<ArrayBuffer>;
  }

  #grow(): void {
    const { buffer, length } = this.#slots;
    buffer.transfer(0);
    const slots = new Uint32Array(length * 2);
    const last = slots.length - 1;
    for (let number = 1; number <= this.#size; number += 1) {
      let slot = (this.#blockOf(number)[wordOf(number)] ?? 0) & last;
      while (slots[slot] !== 0) slot = (slot + 1) & last;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

/** Where an entry begins in its block. */
function wordOf(number: number): number {
  return ((number - 1) % BLOCK_ENTRIES) * WORDS;
}
