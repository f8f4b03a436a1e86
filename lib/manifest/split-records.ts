import { isUtf8 } from 'node:buffer';
import { MAX_LINE_BYTES } from '../contract/limits.ts';

/**
 * Bytes into records, in bounded memory: a record that is longer than 64 KiB is skipped, not held, and reading goes on
 * behind it. CR, LF and CRLF end a line, mixed ones too. With a delimiter, a record may span lines inside quotes (RFC 4180).
 */
export type RawRecord =
  | { readonly line: number; readonly text: string }
  /** `to`: its last physical line, which is another one where a quote is open. */
  | { readonly line: number; readonly fault: 'too long' | 'not UTF-8'; readonly to: number };

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** One array for each chunk that ends records; a generator step for each record would cost more than the record. */
export async function* splitRecords(
  bytes: AsyncIterable<Uint8Array>,
  delimiter?: ',' | '\t',
): AsyncGenerator<RawRecord[]> {
  const splitter = new Splitter(delimiter?.charCodeAt(0));
  for await (const chunk of bytes) {
    const records = splitter.push(chunk);
    if (records.length > 0) yield records;
  }
  const rest = splitter.end();
  if (rest.length > 0) yield rest;
}

class Splitter {
  readonly #delimiter: number | undefined;
  /** Physical line of the record, and of the byte that is read. */
  #recordLine = 1;
  #line = 1;
  #afterCr = false;
  /** The last byte ended a line. */
  #endsLine = false;
  #quoted = false;
  /** A quote opens here: at the beginning of a field, and behind a closing quote, where it is an escaped one. */
  #mayOpen = true;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(delimiter: number | undefined) {
    this.#delimiter = delimiter;
  }

  push(chunk: Uint8Array): RawRecord[] {
    const records: RawRecord[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      const isSecondHalf = byte === LF && this.#afterCr;
      this.#afterCr = byte === CR;
      if (byte === LF || byte === CR) {
        if (!isSecondHalf) this.#line += 1;
        if (this.#quoted) continue;
        if (!isSecondHalf) records.push(this.#take(chunk.subarray(from, at), this.#line - 1));
        from = at + 1;
      } else if (this.#delimiter !== undefined) {
        this.#follow(byte);
      }
    }
    this.#hold(chunk.subarray(from));
    this.#endsLine = chunk.at(-1) === LF || chunk.at(-1) === CR;
    return records;
  }

  end(): RawRecord[] {
    return this.#heldBytes === 0 ? [] : [this.#take(new Uint8Array(), this.#endsLine ? this.#line - 1 : this.#line)];
  }

  #follow(byte: number | undefined): void {
    if (byte === QUOTE && this.#quoted) {
      this.#quoted = false;
      this.#mayOpen = true;
    } else if (byte === QUOTE && this.#mayOpen) {
      this.#quoted = true;
    } else if (!this.#quoted) {
      this.#mayOpen = byte === this.#delimiter;
    }
  }

  #take(rest: Uint8Array, to: number): RawRecord {
    const line = this.#recordLine;
    const length = this.#heldBytes + rest.length;
    const held = this.#held;
    this.#recordLine = this.#line;
    this.#held = [];
    this.#heldBytes = 0;
    this.#mayOpen = true;
    if (length > MAX_LINE_BYTES) return { line, fault: 'too long', to };
    const bytes =
      held.length === 0 ? Buffer.from(rest.buffer, rest.byteOffset, rest.length) : Buffer.concat([...held, rest]);
    return isUtf8(bytes) ? { line, text: bytes.toString() } : { line, fault: 'not UTF-8', to };
  }

  /** Copies: the chunk is its sender's again once the next one is asked for. */
  #hold(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#heldBytes += rest.length;
    if (this.#heldBytes > MAX_LINE_BYTES) this.#held = [];
    else this.#held.push(Buffer.from(rest));
  }
}
