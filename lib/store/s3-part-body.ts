/**
 * The body of a streamed part on its way to S3: taken only as fast as S3 takes it, its CRC32 computed at receipt, before
 * the copy, so that every damage done after that shows. Three buffers of 512 KiB, used in turn, are all its memory, and
 * the next part uses them again. It never fails by itself: what goes wrong is told to `stop`, which ends the request.
 */
import { Readable } from 'node:stream';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { ChunkedEncoder } from './aws-chunked.ts';
import { crc32 as crc32Of } from './crc32.ts';

const BUFFER_BYTES = 512 * 1024;
/** Beside the one that is being filled. */
const MAX_IN_FLIGHT = 2;
/** A slow source must not make S3 wait for a buffer to be full. */
const FLUSH_EVERY_MS = 1_000;

export interface StreamPatience {
  /** S04: S3 gives up a body that pauses for about 20 s. Default 15 s. */
  readonly sourceIdleMs?: number | undefined;
  /** Until S3 takes the next bytes, and until it answers after the last one. Default 120 s. */
  readonly storeIdleMs?: number | undefined;
}

export interface PartSource {
  readonly body: AsyncIterable<Uint8Array>;
  readonly bytes: number;
  /** For messages. */
  readonly what: string;
  /** Called once or more; the request must end, and the body be destroyed. */
  readonly stop: (error: unknown) => void;
}

/**
 * To the SDK a Readable that it pipes into its request. The pipe is our own: only the callback of a write tells when its
 * buffer may be filled again.
 */
export class PartBody extends Readable {
  /** Of what was received so far. */
  crc32 = 0;
  /** Every byte was received and handed on. */
  isWhole = false;
  readonly #source: PartSource;
  readonly #patience: StreamPatience;
  readonly #free: Buffer[];
  #inFlight = 0;
  #onRoom: (() => void) | undefined;
  #waitsFor: 'source' | 'store' | undefined;
  #timer: NodeJS.Timeout | undefined;
  #filling: Promise<void> | undefined;

  /** `free`: buffers to take from and to give back to. */
  constructor(source: PartSource, patience: StreamPatience, free: Buffer[]) {
    super();
    this.#free = free;
    this.#source = source;
    this.#patience = patience;
  }

  override pipe<T extends NodeJS.WritableStream>(request: T): T {
    this.#filling = this.#fill(request);
    return request;
  }

  /** Resolves when nothing is read from the body any more. */
  async end(): Promise<void> {
    this.destroy();
    await this.#filling;
  }

  override _destroy(_error: Error | null, callback: () => void): void {
    clearTimeout(this.#timer);
    this.#onRoom?.();
    callback();
  }

  async #fill(request: NodeJS.WritableStream): Promise<void> {
    const encoder = new ChunkedEncoder(this.#source.bytes, {
      allocate: () => this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES),
      emit: (bytes, usedUp) => {
        this.#inFlight += 1;
        request.write(bytes, (error) => this.#written(error ? undefined : usedUp));
      },
    });
    const flushing = setInterval(() => {
      if (this.#hasRoom()) encoder.flush();
    }, FLUSH_EVERY_MS);
    try {
      this.#waitFor('source');
      for await (const chunk of this.#source.body) {
        this.crc32 = crc32Of(chunk, this.crc32);
        for (let taken = 0; taken < chunk.length; taken += BUFFER_BYTES) {
          encoder.write(chunk.subarray(taken, taken + BUFFER_BYTES));
          if (!this.#hasRoom()) await this.#room();
        }
        if (this.destroyed) return;
        this.#waitFor('source');
      }
      encoder.end(this.crc32);
      request.end();
      this.isWhole = true;
      this.#waitFor('store');
    } catch (error) {
      this.#source.stop(error);
    } finally {
      clearInterval(flushing);
    }
  }

  /** A buffer of a write that failed may still be read by somebody: it is left to the garbage collector. */
  #written(usedUp: Buffer | undefined): void {
    this.#inFlight -= 1;
    if (usedUp !== undefined) this.#free.push(usedUp);
    this.#onRoom?.();
  }

  #hasRoom(): boolean {
    return this.#inFlight < MAX_IN_FLIGHT;
  }

  async #room(): Promise<void> {
    this.#waitFor('store');
    while (!this.#hasRoom() && !this.destroyed) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
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
    const giveUp = () => this.#source.stop(new SkyhaulError(name, `${this.#source.what}: ${who} for ${idleMs} ms.`));
    this.#timer = setTimeout(giveUp, idleMs);
  }
}
