import type { SkyhaulError } from '../errors/skyhaul-error.ts';

/** Where the writer is told to stop; one chunk more may come (undici hands on what it has parsed). */
const HIGH_WATER_BYTES = 128 * 1024;

/** What the writer does when the reader falls behind, catches up, or goes away. */
export interface Valve {
  pause(): void;
  resume(): void;
  drop(): Promise<void>;
}

/**
 * The bytes between the connection and one reader, in bounded memory. A plain queue and not a stream: no copies, no
 * listeners, and the end is only what `end` or `fail` say.
 */
export class BodyQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #valve: Valve;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isPaused = false;
  #outcome: 'ended' | SkyhaulError | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;

  constructor(valve: Valve) {
    this.#valve = valve;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#outcome !== undefined) return;
    if (this.#waiting !== undefined) {
      this.#settle((waiting) => waiting.resolve({ value: chunk, done: false }));
      return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < HIGH_WATER_BYTES || this.#isPaused) return;
    this.#isPaused = true;
    this.#valve.pause();
  }

  end(): void {
    this.#outcome ??= 'ended';
    this.#settle((waiting) => waiting.resolve({ value: undefined, done: true }));
  }

  /** `at-once`: what has not been read is not read any more. */
  fail(error: SkyhaulError, when: 'behind-the-rest' | 'at-once'): void {
    if (this.#outcome !== undefined && when === 'behind-the-rest') return;
    this.#outcome = error;
    if (when === 'at-once') this.#empty();
    this.#settle((waiting) => waiting.reject(error));
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bytes -= chunk.length;
      // Half full, so that the connection is at work while the reader is.
      if (this.#isPaused && this.#bytes <= HIGH_WATER_BYTES / 2) {
        this.#isPaused = false;
        this.#valve.resume();
      }
      return { value: chunk, done: false };
    }
    if (this.#outcome === 'ended') return { value: undefined, done: true };
    if (this.#outcome !== undefined) throw this.#outcome;
    this.#waiting ??= Promise.withResolvers();
    return await this.#waiting.promise;
  }

  /** The reader leaves: `break`, or an error in its loop. */
  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#valve.drop();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #empty(): void {
    this.#chunks.length = 0;
    this.#bytes = 0;
  }

  #settle(how: (waiting: PromiseWithResolvers<IteratorResult<Uint8Array>>) => void): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) how(waiting);
  }
}
