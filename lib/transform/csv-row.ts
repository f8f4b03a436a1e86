import type { CsvBytes } from './csv-scanner.ts';
import { numberOf } from './expression/compare.ts';

/**
 * One record, as positions in the window: fields are found as far as they are wanted, and decoded only when a condition
 * asks for their text. A field that the record is too short for is empty.
 */
export class CsvRow {
  readonly #delimiter: number;
  readonly #quote: number;
  #bytes: Buffer = Buffer.alloc(0);
  #starts: number[] = [];
  #ends: number[] = [];
  #count = 0;

  constructor({ delimiter, quote }: CsvBytes) {
    this.#delimiter = delimiter;
    this.#quote = quote;
  }

  /** Fields that were found. */
  get count(): number {
    return this.#count;
  }

  /** @param wanted number of fields, from the first one */
  read(bytes: Buffer, from: number, to: number, hasQuotes: boolean, wanted: number): void {
    const delimiter = this.#delimiter;
    const starts = this.#starts;
    const ends = this.#ends;
    let count = 0;
    let start = from;
    while (count < wanted && start <= to) {
      let end = hasQuotes && bytes[start] === this.#quote ? this.#closing(bytes, start) : start;
      while (end < to && bytes[end] !== delimiter) end += 1;
      starts[count] = start;
      ends[count] = end;
      count += 1;
      start = end + 1;
    }
    this.#bytes = bytes;
    this.#count = count;
  }

  start(column: number): number {
    return column < this.#count ? (this.#starts[column] ?? 0) : 0;
  }

  end(column: number): number {
    return column < this.#count ? (this.#ends[column] ?? 0) : 0;
  }

  isEmpty(column: number): boolean {
    const bytes = this.end(column) - this.start(column);
    return bytes === 0 || (bytes === 2 && this.#isQuoted(column));
  }

  text(column: number): string {
    const start = this.start(column);
    const end = this.end(column);
    if (start === end) return '';
    if (!this.#isQuoted(column)) return this.#bytes.toString('utf8', start, end);
    const text = this.#bytes.toString('utf8', start + 1, end - 1);
    const quote = String.fromCharCode(this.#quote);
    return text.includes(quote) ? text.replaceAll(quote + quote, quote) : text;
  }

  equals(column: number, text: string, wanted: Buffer): boolean {
    if (this.#isQuoted(column)) return this.text(column) === text;
    const start = this.start(column);
    const length = this.end(column) - start;
    if (length !== wanted.length) return false;
    for (let at = 0; at < length; at += 1) if (this.#bytes[start + at] !== wanted[at]) return false;
    return true;
  }

  /** As `numberOf` of the text; short decimal numbers without making a text of them. */
  number(column: number): number {
    const start = this.start(column);
    const end = this.end(column);
    const fast = readDecimal(this.#bytes, start, end);
    return Number.isNaN(fast) && end > start ? numberOf(this.text(column)) : fast;
  }

  #isQuoted(column: number): boolean {
    const start = this.start(column);
    return this.end(column) > start && this.#bytes[start] === this.#quote;
  }

  /** Behind the closing quote; the scanner has seen that there is one. */
  #closing(bytes: Buffer, start: number): number {
    let at = start + 1;
    for (;;) {
      at = bytes.indexOf(this.#quote, at) + 1;
      if (bytes[at] !== this.#quote) return at;
      at += 1;
    }
  }
}

/** Digits whose integer is exact in a double; a division of it by an exact power of ten is rounded correctly (IEEE 754). */
const EXACT_DIGITS = 15;
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, at) => 10 ** at);

/** NaN for whatever is not plain digits with at most one point among them. */
function readDecimal(bytes: Buffer, start: number, end: number): number {
  const isNegative = bytes[start] === 0x2d;
  let digits = 0;
  let value = 0;
  let decimals = -1;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + (byte - 0x30);
      digits += 1;
      if (decimals >= 0) decimals += 1;
    } else if (byte === 0x2e && decimals < 0) {
      decimals = 0;
    } else {
      return Number.NaN;
    }
  }
  if (digits === 0 || digits > EXACT_DIGITS) return Number.NaN;
  const size = decimals > 0 ? value / (POWERS[decimals] ?? 1) : value;
  return isNegative ? -size : size;
}
