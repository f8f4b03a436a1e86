import type { SkyhaulError } from '../errors/skyhaul-error.ts';

/**
 * Where the records of a CSV end (RFC 4180, and what is found in practice: LF, CRLF or CR, mixed ones too; line ends inside
 * quotes; quotes inside a field that does not begin with one are text). Records without quotes are found by native search,
 * the others byte by byte. What it saw of an incomplete record it does not look at again, however small the chunks.
 */
const LF = 0x0a;
const CR = 0x0d;

export interface CsvBytes {
  readonly delimiter: number;
  /** -1: there are no quotes. */
  readonly quote: number;
}

/** @param at bytes of the record before the problem */
export type Fault = (problem: string, at: number) => SkyhaulError;

/** How the record is read: no quote so far, or where the byte-by-byte reading stands. */
type Mode = 'plain' | 'fieldStart' | 'bare' | 'quoted' | 'afterQuote';

export class CsvScanner {
  /** Where the record that was found ends, its line end not counted. */
  contentEnd = 0;
  hasQuotes = false;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #fault: Fault;
  #mode: Mode = 'plain';
  /** Bytes of the incomplete record that need no second look. */
  #scanned = 0;
  #nextLf = -1;
  #nextCr = -1;
  #nextQuote = -1;

  constructor({ delimiter, quote }: CsvBytes, fault: Fault) {
    this.#delimiter = delimiter;
    this.#quote = quote;
    this.#fault = fault;
  }

  /** The bytes have moved, or there are more of them. */
  refresh(): void {
    this.#nextLf = -1;
    this.#nextCr = -1;
    this.#nextQuote = -1;
  }

  /**
   * @param from where the record begins
   * @returns where the next one begins; -1 when this one is not complete
   * @throws TransformFailed for quotes that RFC 4180 does not know
   */
  next(bytes: Buffer, from: number, isEnd: boolean): number {
    if (from === bytes.length) return -1;
    if (this.#mode !== 'plain') return this.#nextQuoted(bytes, from, isEnd);

    const start = from + this.#scanned;
    if (this.#nextLf < start) this.#nextLf = find(bytes, LF, start);
    if (this.#nextCr < start) this.#nextCr = find(bytes, CR, start);
    if (this.#nextQuote < start) this.#nextQuote = this.#quote < 0 ? bytes.length : find(bytes, this.#quote, start);
    const end = Math.min(this.#nextLf, this.#nextCr);
    const quote = this.#nextQuote;
    if (quote >= end) return this.#finish(bytes, from, end, false, isEnd);

    this.#mode = quote === from || bytes[quote - 1] === this.#delimiter ? 'fieldStart' : 'bare';
    this.#scanned = quote - from;
    return this.#nextQuoted(bytes, from, isEnd);
  }

  #nextQuoted(bytes: Buffer, from: number, isEnd: boolean): number {
    let mode = this.#mode;
    let at = from + this.#scanned;
    for (; at < bytes.length; at += 1) {
      if (mode === 'quoted') {
        at = find(bytes, this.#quote, at);
        if (at === bytes.length) break;
        mode = 'afterQuote';
        continue;
      }
      const byte = bytes[at];
      if (byte === this.#delimiter) mode = 'fieldStart';
      else if (byte === LF || byte === CR) break;
      else if (byte === this.#quote && mode !== 'bare') mode = 'quoted';
      else if (mode === 'afterQuote') throw this.#fault('has text behind a closing quote', at - from);
      else mode = 'bare';
    }
    if (mode === 'quoted' && isEnd) throw this.#fault('has a quote that is never closed', at - from);
    this.#mode = mode;
    return this.#finish(bytes, from, at, true, isEnd);
  }

  /** @param end of the content, or of the bytes; then the record is complete at the end of the input only */
  #finish(bytes: Buffer, from: number, end: number, hasQuotes: boolean, isEnd: boolean): number {
    // The LF of a CRLF may come with the next chunk.
    const isOpen = end === bytes.length || (bytes[end] === CR && end + 1 === bytes.length);
    if (isOpen && !isEnd) {
      this.#scanned = end - from;
      return -1;
    }
    this.#mode = 'plain';
    this.#scanned = 0;
    this.contentEnd = end;
    this.hasQuotes = hasQuotes;
    if (end === bytes.length) return end;
    return bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
  }
}

function find(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? bytes.length : at;
}
