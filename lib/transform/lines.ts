/**
 * Ends every line with LF, whatever ended it before: CRLF, CR, LF, mixed ones too, or the end of the file. Counts the
 * lines; a line that is longer than `maxBytes` fails with its number. Lines are never held: chunks pass as they come.
 */
import { countByte } from './count-byte.ts';
import { type LineLimits, lineTooLong } from './split-lines.ts';
import type { StepCounts, TransformStep } from './transform.ts';

const LF = 0x0a;
const CR = 0x0d;
/** From this length on, copying a line by one call costs less than byte by byte. */
const LONG_LINE_BYTES = 80;
const SAMPLE_BYTES = 4_096;

export function makeLines(limits: LineLimits): TransformStep {
  return { name: 'lines', apply: (input, counts) => lines(input, counts, limits) };
}

async function* lines(
  input: AsyncIterable<Uint8Array>,
  counts: StepCounts,
  { maxBytes }: LineLimits,
): AsyncGenerator<Uint8Array> {
  const ends = new LineEnds(maxBytes, counts);
  for await (const chunk of input) {
    const out = ends.push(chunk);
    if (out.length > 0) yield out;
  }
  if (ends.isOpen) {
    ends.count(1);
    yield Uint8Array.of(LF);
  }
}

class LineEnds {
  readonly #maxBytes: number;
  readonly #counts: StepCounts;
  /** Bytes of the line that is read, from earlier chunks. */
  #openBytes = 0;
  #afterCr = false;
  /** Written anew for each chunk that has other ends than LF. */
  #out = Buffer.alloc(0);

  constructor(maxBytes: number, counts: StepCounts) {
    this.#maxBytes = maxBytes;
    this.#counts = counts;
  }

  get isOpen(): boolean {
    return this.#openBytes > 0;
  }

  count(lines: number): void {
    this.#counts.rowsIn += lines;
    this.#counts.rowsOut += lines;
  }

  push(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const text = this.#afterCr && chunk[0] === LF ? chunk.subarray(1) : chunk;
    this.#afterCr = chunk.at(-1) === CR;
    const out = text.includes(CR) ? this.#rewrite(text) : text;
    if (this.#openBytes + out.length > this.#maxBytes) this.#measure(out);
    else this.#countOnly(out);
    return out;
  }

  #rewrite(text: Buffer): Buffer {
    if (this.#out.length < text.length) this.#out = Buffer.allocUnsafeSlow(text.length);
    const sample = text.subarray(0, SAMPLE_BYTES);
    const areLong = sample.length / countByte(sample, CR) >= LONG_LINE_BYTES;
    return this.#out.subarray(0, areLong ? copyLines(text, this.#out) : copyBytes(text, this.#out));
  }

  /** In so few bytes no line can be too long. */
  #countOnly(text: Buffer): void {
    const lines = countByte(text, LF);
    this.count(lines);
    this.#openBytes = lines === 0 ? this.#openBytes + text.length : text.length - 1 - text.lastIndexOf(LF);
  }

  #measure(text: Buffer): void {
    let from = 0;
    for (let end = text.indexOf(LF); end !== -1; end = text.indexOf(LF, from)) {
      this.#grow(end - from);
      this.#openBytes = 0;
      this.count(1);
      from = end + 1;
    }
    this.#grow(text.length - from);
  }

  #grow(bytes: number): void {
    this.#openBytes += bytes;
    if (this.#openBytes > this.#maxBytes) throw lineTooLong(this.#counts.rowsIn + 1, this.#maxBytes);
  }
}

function copyLines(text: Buffer, out: Buffer): number {
  let length = 0;
  let from = 0;
  for (let end = text.indexOf(CR); end !== -1; end = text.indexOf(CR, from)) {
    length += text.copy(out, length, from, end);
    out[length] = LF;
    length += 1;
    from = text[end + 1] === LF ? end + 2 : end + 1;
  }
  return length + text.copy(out, length, from);
}

function copyBytes(text: Buffer, out: Buffer): number {
  const last = text.length - 1;
  let length = 0;
  // Reading behind the end, even once, makes the whole loop slower.
  for (let at = 0; at <= last; at += 1) {
    const byte = text[at] as number;
    if (byte === CR) {
      if (at < last && text[at + 1] === LF) at += 1;
      out[length] = LF;
    } else {
      out[length] = byte;
    }
    length += 1;
  }
  return length;
}
