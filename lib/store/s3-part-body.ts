/**
 * The body of a streamed part on its way to S3: taken only as fast as S3 takes it, its CRC32 computed at receipt, before
 * the copy, so that every damage done after that shows. At most three pieces are in memory. It never fails by itself:
 * what goes wrong is told to `stop`, which ends the request.
 */
import { Readable } from 'node:stream';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { ChunkedEncoder } from './aws-chunked.ts';
import { crc32 as crc32Of } from './crc32.ts';

const PIECE_BYTES = 512 * 1024;
/** A slow source must not make S3 wait for a piece to be full. */
const FLUSH_EVERY_MS = 1_000;

export interface StreamPatience {
  /** S04: S3 gives up a body that pauses for about 20 s. Default 15 s. */
  readonly sourceIdleMs?: number | undefined;
  /** Until S3 takes the next bytes, and until it answers after the last one. Default 120 s. */
  readonly storeIdleMs?: number | undefined;
}

export class PartBody extends Readable {
  /** Of what was received so far. */
  crc32 = 0;
  /** Every byte was received and handed on. */
  isWhole = false;
  readonly #encoder: ChunkedEncoder;
  readonly #what: string;
  readonly #patience: StreamPatience;
  readonly #stop: (error: unknown) => void;
  #onRoom: (() => void) | undefined;
  #waitsFor: 'source' | 'store' | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `what` names the part in messages. */
  constructor(bytes: number, what: string, patience: StreamPatience, stop: (error: unknown) => void) {
    // The buffer of a stream counts as full with one piece.
    super({ highWaterMark: 1 });
    this.#encoder = new ChunkedEncoder(bytes, PIECE_BYTES, (piece) => this.push(piece));
    this.#what = what;
    this.#patience = patience;
    this.#stop = stop;
  }

  /** Resolves when the body is handed on, has failed, or the stream was destroyed. Never rejects. */
  async fill(body: AsyncIterable<Uint8Array>): Promise<void> {
    const flushing = setInterval(() => this.#flushIfHungry(), FLUSH_EVERY_MS);
    try {
      this.#waitFor('source');
      for await (const chunk of body) {
        this.crc32 = crc32Of(chunk, this.crc32);
        for (let taken = 0; taken < chunk.length; taken += PIECE_BYTES) {
          this.#encoder.write(chunk.subarray(taken, taken + PIECE_BYTES));
          if (!this.#isHungry()) await this.#room();
        }
        if (this.destroyed) return;
        this.#waitFor('source');
      }
      this.#encoder.end(this.crc32);
      this.push(null);
      this.isWhole = true;
      this.#waitFor('store');
    } catch (error) {
      this.#stop(error);
    } finally {
      clearInterval(flushing);
    }
  }

  override _read(): void {
    this.#onRoom?.();
  }

  override _destroy(_error: Error | null, callback: () => void): void {
    clearTimeout(this.#timer);
    this.#onRoom?.();
    callback();
  }

  async #room(): Promise<void> {
    this.#waitFor('store');
    while (!this.#isHungry() && !this.destroyed) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  #isHungry(): boolean {
    return this.readableLength === 0;
  }

  #flushIfHungry(): void {
    if (this.#isHungry()) this.#encoder.flush();
  }

  #waitFor(whom: 'source' | 'store'): void {
    if (this.destroyed) return;
    if (this.#waitsFor === whom) {
      this.#timer?.refresh();
      return;
    }
    this.#waitsFor = whom;
    clearTimeout(this.#timer);
    const { sourceIdleMs = 15_000, storeIdleMs = 120_000 } = this.#patience;
    const [name, idleMs, who] =
      whom === 'source'
        ? (['IdleTimeout', sourceIdleMs, 'the source sent nothing'] as const)
        : (['StoreUnavailable', storeIdleMs, 'the destination took nothing'] as const);
    const error = () => new SkyhaulError(name, `${this.#what}: ${who} for ${idleMs} ms.`);
    this.#timer = setTimeout(() => this.#stop(error()), idleMs);
  }
}
