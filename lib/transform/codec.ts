/**
 * Runs one of Node's native codecs as a step. Bounded: one piece of input and two chunks of output at a time; the native
 * handle is freed and the input closed however reading ends. Where a codec stops before its input does, the rest may be
 * padding, nothing else. Native errors become TransformFailed; those of the input pass as they are.
 */
import type { Gzip, ZstdCompress } from 'node:zlib';
import { KiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** What Node's zlib streams have in common. */
type Codec = Gzip | ZstdCompress;

export interface CodecUse {
  /** For messages: `gunzip`. */
  readonly name: string;
  /** What the input is, for messages: `gzip data`. */
  readonly what: string;
  /** Made with CODEC_CHUNKS; may take memory, so it is made only when reading begins. */
  readonly open: () => Codec;
  /** For packers, which hold their output back anyway: they get the next piece while they work on one. */
  readonly worksAhead?: boolean;
  /** Cuts a piece of the input where the codec must not see further; throws TransformFailed. */
  readonly cut?: (piece: Uint8Array) => Iterable<Uint8Array>;
  /** Behind the last piece; throws TransformFailed where the input is not complete. */
  readonly checkEnd?: () => void;
  /** Whether bytes that the codec left behind its own end mean nothing. @default never */
  readonly isPadding?: (tail: Uint8Array) => boolean;
  /** After each chunk of output, with the totals; throws TransformFailed. */
  readonly checkTotals?: (bytesIn: number, bytesOut: number) => void;
}

const OUT_BYTES = 128 * KiB;
const IN_BYTES = 64 * KiB;
const NOTHING = new Uint8Array();
/** One chunk waits while the reader holds another: the codec's thread works ahead by that much, never more. */
export const CODEC_CHUNKS = { chunkSize: OUT_BYTES, readableHighWaterMark: OUT_BYTES };

export async function* runCodec(input: AsyncIterable<Uint8Array>, use: CodecUse): AsyncGenerator<Uint8Array> {
  const feed = new Feed(use);
  let bytesOut = 0;
  try {
    for await (const chunk of input) {
      // Copied: the codec may still read it in its thread when this generator is closed, and the input be written anew.
      for (let at = 0; at < chunk.length; at += IN_BYTES) {
        const piece = feed.copy(chunk.subarray(at, at + IN_BYTES));
        for (const part of use.cut?.(piece) ?? [piece]) {
          feed.write(part);
          yield* drain();
        }
      }
    }
    use.checkEnd?.();
    feed.end();
    yield* drain();
  } finally {
    feed.close();
  }

  async function* drain(): AsyncGenerator<Uint8Array> {
    while (true) {
      const out = feed.read();
      if (out === undefined) {
        if (feed.isReady) return;
        await feed.turn();
        continue;
      }
      bytesOut += out.length;
      use.checkTotals?.(feed.bytesIn, bytesOut);
      yield out;
    }
  }
}

/** A codec whose events are turned into states that a loop can wait for. */
class Feed {
  readonly #use: CodecUse;
  readonly #codec: Codec;
  /** What the codec reads, in turns. */
  readonly #slabs: Buffer[];
  /** Pieces that it may still have when it is given one more. */
  #ahead: number;
  #pieces = 0;
  #error: Error | undefined;
  #ended = false;
  /** What it was given last, and its total before; only where the two can be told apart. */
  #part: Uint8Array = NOTHING;
  #before = 0;
  #wake: () => void = () => undefined;

  constructor(use: CodecUse) {
    this.#use = use;
    this.#ahead = use.worksAhead ? 1 : 0;
    this.#slabs = Array.from({ length: 1 + this.#ahead }, () => Buffer.allocUnsafeSlow(IN_BYTES));
    this.#codec = use.open();
    this.#codec.on('readable', () => this.#wake());
    this.#codec.on('end', () => {
      this.#ended = true;
      this.#settle();
    });
    this.#codec.on('error', (error: Error) => {
      this.#error ??= error;
      this.#wake();
    });
  }

  /** For the next piece, or all is done: behind the last one, that means all output has been read. */
  get isReady(): boolean {
    return this.#pieces <= this.#ahead;
  }

  get bytesIn(): number {
    return this.#codec.bytesWritten;
  }

  /** Good until it is copied to again, in its turn: the codec is done with it then. */
  copy(piece: Uint8Array): Uint8Array {
    const slab = this.#slabs.shift() as Buffer;
    this.#slabs.push(slab);
    slab.set(piece);
    return slab.subarray(0, piece.length);
  }

  write(part: Uint8Array): void {
    if (this.#ended) {
      this.#judge(part);
      return;
    }
    this.#pieces += 1;
    this.#part = this.#ahead === 0 ? part : NOTHING;
    this.#before = this.#codec.bytesWritten;
    this.#codec.write(part, (error) => {
      if (error) this.#part = NOTHING;
      this.#settle();
    });
  }

  end(): void {
    this.#ahead = 0;
    if (this.#ended) return;
    this.#pieces += 1;
    this.#codec.end();
  }

  read(): Uint8Array | undefined {
    const out: Uint8Array | null = this.#error === undefined ? this.#codec.read() : null;
    if (this.#error !== undefined) throw this.#failure(this.#error);
    return out ?? undefined;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  close(): void {
    this.#codec.destroy();
  }

  /** The codec wants nothing more of a piece; where it left some, it has come to its end. */
  #settle(): void {
    const tail = this.#part.subarray(this.#codec.bytesWritten - this.#before);
    this.#part = NOTHING;
    this.#pieces = this.#ended ? 0 : this.#pieces - 1;
    if (tail.length > 0) {
      this.#ended = true;
      this.#judge(tail);
    }
    this.#wake();
  }

  #judge(tail: Uint8Array): void {
    const { name, what, isPadding } = this.#use;
    if (isPadding?.(tail)) return;
    this.#error = new SkyhaulError('TransformFailed', `${name}: something else stands behind the ${what}.`);
  }

  #failure(error: Error): SkyhaulError {
    if (error instanceof SkyhaulError) return error;
    const { name, what } = this.#use;
    const cut = 'code' in error && error.code === 'Z_BUF_ERROR';
    const message = cut ? `the ${what} ends too early: it is cut off` : `the input is damaged, or no ${what}`;
    return new SkyhaulError('TransformFailed', `${name}: ${message}.`, { cause: error });
  }
}
