/**
 * Bytes into lines. CR, LF and CRLF end a line, mixed ones too, and so does the end of the input; the ends are not part of
 * the lines. Holds one line at most: a longer one than `maxBytes` fails with its number. An empty input has no line.
 */
import { SkyhaulError } from '../errors/skyhaul-error.ts';

export interface LineLimits {
  /** Of one line, without its end. */
  readonly maxBytes: number;
}

const LF = 0x0a;
const CR = 0x0d;

/** One line at a time; good until the next one is asked for. Throws TransformFailed. */
export async function* splitLines(input: AsyncIterable<Uint8Array>, limits: LineLimits): AsyncGenerator<Uint8Array> {
  for await (const lines of splitLineBatches(input, limits)) yield* lines;
}

/** The lines that end in one chunk together, where a step of a generator for each would cost more than the line. */
export async function* splitLineBatches(
  input: AsyncIterable<Uint8Array>,
  { maxBytes }: LineLimits,
): AsyncGenerator<Uint8Array[]> {
  const splitter = new LineSplitter(maxBytes);
  for await (const chunk of input) {
    const lines = splitter.push(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last !== undefined) yield [last];
}

class LineSplitter {
  readonly #maxBytes: number;
  /** The beginning of the line that is read, from earlier chunks. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #lines = 0;
  #afterCr = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): Uint8Array[] {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const lines: Uint8Array[] = [];
    let from = this.#afterCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#afterCr = false;
    // Each of the two is looked for again only when it was passed; a file without CR is searched for it once a chunk.
    let lf = find(chunk, LF, from);
    let cr = find(chunk, CR, from);
    while (lf < chunk.length || cr < chunk.length) {
      const end = Math.min(lf, cr);
      lines.push(this.#take(chunk.subarray(from, end)));
      from = end + 1;
      if (cr === end) {
        if (chunk[from] === LF) from += 1;
        else this.#afterCr = from === chunk.length;
        cr = find(chunk, CR, from);
      }
      if (lf < from) lf = find(chunk, LF, from);
    }
    this.#hold(chunk.subarray(from));
    return lines;
  }

  end(): Uint8Array | undefined {
    return this.#heldBytes === 0 ? undefined : this.#take(new Uint8Array());
  }

  #take(rest: Uint8Array): Uint8Array {
    this.#check(rest.length);
    this.#lines += 1;
    if (this.#heldBytes === 0) return rest;
    const line = Buffer.concat([...this.#held, rest]);
    this.#held = [];
    this.#heldBytes = 0;
    return line;
  }

  /** Copies: the chunk is its sender's again once the next one is asked for. */
  #hold(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#check(rest.length);
    this.#held.push(Buffer.from(rest));
    this.#heldBytes += rest.length;
  }

  #check(more: number): void {
    if (this.#heldBytes + more <= this.#maxBytes) return;
    throw lineTooLong(this.#lines + 1, this.#maxBytes);
  }
}

export function lineTooLong(line: number, maxBytes: number): SkyhaulError {
  return new SkyhaulError('TransformFailed', `lines: line ${line} is longer than ${maxBytes} bytes (maxBytes).`);
}

/** Where it stands, or the length of the chunk. */
function find(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at === -1 ? chunk.length : at;
}
