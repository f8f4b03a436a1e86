/**
 * Reads `aws-chunked` bodies (S3 user guide, "Signature calculations … chunked uploads"), signed or not, with trailers or
 * without, piece by piece. Signatures are not verified; framing, chunk sizes and promised trailers are.
 */
import { S3Problem } from './memory-s3-problem.ts';

/** "Only the last chunk is allowed to have a size less than 8192 bytes". */
const MIN_CHUNK_BYTES = 8_192;
const MAX_LINE = 16_384;

export class ChunkedReader {
  readonly trailers = new Map<string, string>();
  readonly #sink: (piece: Buffer) => void;
  #expects: 'size' | 'data' | 'data-end' | 'trailer' | 'nothing' = 'size';
  #left = 0;
  #line = '';
  #hadSmall = false;

  constructor(sink: (piece: Buffer) => void) {
    this.#sink = sink;
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#expects === 'data') {
        const take = Math.min(this.#left, chunk.length - at);
        this.#sink(chunk.subarray(at, at + take));
        at += take;
        this.#left -= take;
        if (this.#left === 0) this.#expects = 'data-end';
        continue;
      }
      const end = chunk.indexOf(10, at);
      this.#line += chunk.toString('latin1', at, end === -1 ? chunk.length : end + 1);
      if (this.#line.length > MAX_LINE) throw incomplete('a line without end');
      if (end === -1) return;
      at = end + 1;
      const line = this.#line;
      this.#line = '';
      if (!line.endsWith('\r\n')) throw incomplete('a line that does not end in CRLF');
      this.#take(line.slice(0, -2));
    }
  }

  end(): void {
    if (this.#expects !== 'nothing') throw incomplete('a body that ends early');
  }

  #take(line: string): void {
    switch (this.#expects) {
      case 'size':
        this.#takeSize(line);
        return;
      case 'data-end':
        if (line !== '') throw incomplete('a chunk longer than its size');
        this.#expects = 'size';
        return;
      case 'trailer': {
        if (line === '') {
          this.#expects = 'nothing';
          return;
        }
        const colon = line.indexOf(':');
        if (colon < 1) throw new S3Problem(400, 'MalformedTrailerError', 'a trailer without a name');
        this.trailers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
        return;
      }
      default:
        throw incomplete('bytes behind the end');
    }
  }

  #takeSize(line: string): void {
    const [, hex = ''] = /^([0-9a-fA-F]{1,12})(;.*)?$/.exec(line) ?? [];
    if (hex === '') throw incomplete('a chunk without a size');
    this.#left = Number.parseInt(hex, 16);
    this.#expects = this.#left === 0 ? 'trailer' : 'data';
    if (this.#left === 0) return;
    if (this.#hadSmall)
      throw new S3Problem(403, 'InvalidChunkSizeError', 'only the last chunk may be below 8192 bytes');
    this.#hadSmall = this.#left < MIN_CHUNK_BYTES;
  }
}

function incomplete(what: string): S3Problem {
  return new S3Problem(400, 'IncompleteBody', what);
}
