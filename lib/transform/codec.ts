/**
 * Runs one of Node's native codecs as a step. Bounded: one piece of input and two chunks of output at a time; the native
 * handle is freed and the input closed however reading ends. A codec that stops before its input does is never believed:
 * `checkTail` says what may stand there. Native errors become TransformFailed; those of the input pass as they are.
 */
import type { Gzip, ZstdCompress } from 'node:zlib';
import { KiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** What Node's zlib streams have in common. */
export type Codec = Gzip | ZstdCompress;

export interface CodecUse {
  /** For messages: `gunzip`. */
  readonly name: string;
  /** What the input is, for messages: `gzip data`. */
  readonly what: string;
  /** Made with CODEC_CHUNKS; may take memory, so it is made only when reading begins. */
  readonly open: () => Codec;
  /** Cuts a piece of the input where the codec must not see further; throws TransformFailed. */
  readonly cut?: (piece: Uint8Array) => Iterable<Uint8Array>;
  /** Behind the last piece; throws TransformFailed where the input is not complete. */
  readonly checkEnd?: () => void;
  /** Judges bytes that the codec left behind its own end; throws TransformFailed. */
  readonly checkTail?: (tail: Uint8Array) => void;
  /** After each chunk of output, with the totals; throws TransformFailed. */
  readonly checkTotals?: (bytesIn: number, bytesOut: number) => void;
}

const OUT_BYTES = 128 * KiB;
const IN_BYTES = 64 * KiB;
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
        if (feed.idle) return;
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
  readonly #slab = Buffer.allocUnsafeSlow(IN_BYTES);
  #error: Error | undefined;
  /** The codec has read what it got, and given out what it made of it. */
  #busy = false;
  #ended = false;
  #part: Uint8Array = new Uint8Array();
  #before = 0;
  #wake: () => void = () => undefined;

  constructor(use: CodecUse) {
    this.#use = use;
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

  get idle(): boolean {
    return !this.#busy;
  }

  get bytesIn(): number {
    return this.#codec.bytesWritten;
  }

  /** Good until the next call; the codec is idle then. */
  copy(piece: Uint8Array): Uint8Array {
    this.#slab.set(piece);
    return this.#slab.subarray(0, piece.length);
  }

  write(part: Uint8Array): void {
    if (this.#ended) {
      this.#judge(part);
      return;
    }
    this.#busy = true;
    this.#part = part;
    this.#before = this.#codec.bytesWritten;
    this.#codec.write(part, (error) => {
      if (error) this.#part = new Uint8Array();
      this.#settle();
    });
  }

  end(): void {
    if (this.#ended) return;
    this.#busy = true;
    this.#part = new Uint8Array();
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

  /** The codec wants nothing more of this part; where it left some, it has come to its end. */
  #settle(): void {
    const tail = this.#part.subarray(this.#codec.bytesWritten - this.#before);
    this.#part = new Uint8Array();
    this.#busy = false;
    if (tail.length > 0) {
      this.#ended = true;
      this.#judge(tail);
    }
    this.#wake();
  }

  #judge(tail: Uint8Array): void {
    try {
      this.#use.checkTail?.(tail);
    } catch (error) {
      this.#error = error as Error;
    }
  }

  #failure(error: Error): SkyhaulError {
    if (error instanceof SkyhaulError) return error;
    const { name, what } = this.#use;
    const cut = 'code' in error && error.code === 'Z_BUF_ERROR';
    const message = cut ? `the ${what} ends too early: it is cut off` : `the input is damaged, or no ${what}`;
    return new SkyhaulError('TransformFailed', `${name}: ${message}.`, { cause: error });
  }
}
