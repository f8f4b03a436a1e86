/**
 * Ends every line with LF, whatever ended it before: CRLF, CR, LF, mixed ones too, or the end of the file. Counts the
 * lines; a line that is longer than `maxBytes` fails with its number. Lines are never held: chunks pass as they come.
 */
import { countByte } from './count-byte.ts';
import { type LineLimits, lineTooLong } from './split-lines.ts';
import type { StepCounts, TransformStep } from './transform.ts';

const LF = 0x0a;
const CR = 0x0d;

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
    const out = text.includes(CR) ? endWithLf(text) : text;
    if (this.#openBytes + out.length > this.#maxBytes) this.#measure(out);
    else this.#countOnly(out);
    return out;
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

function endWithLf(text: Buffer): Buffer {
  const out = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? LF;
    if (byte === CR && text[at + 1] === LF) at += 1;
    out[length] = byte === CR ? LF : byte;
    length += 1;
  }
  return out.subarray(0, length);
}
