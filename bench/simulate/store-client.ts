import type { Prefix } from './aws.ts';
import type { Random } from './random.ts';

/** `createS3Client`: tries of one request, and the SDK's pauses between them. */
const MAX_TRIES = 8;
const PAUSE_MS = 500;
const MAX_PAUSE_MS = 20_000;
/** The SDK's `DefaultRateLimiter`: what is left of the rate after a SlowDown, how it grows back, the least rate a second. */
const BETA = 0.7;
const SCALE = 0.4;
const LEAST_RATE = 0.5;
const MEASURE_MS = 500;

export type Put =
  | { readonly state: 'done' }
  | { readonly state: 'again'; readonly at: number }
  | { readonly state: 'refused' };

/** The S3 client of one function in its adaptive mode: it slows down as a whole when S3 asks one of its requests to. */
export class StoreClient {
  #rate = Number.POSITIVE_INFINITY;
  #freeAt = 0;
  #lastMax = 0;
  #throttledAt = 0;
  #measured = 0;
  #count = 0;
  #countedFrom = 0;

  /** When a request that is wanted now may leave. */
  turn(now: number): number {
    const at = Math.max(now, this.#freeAt);
    this.#freeAt = at + 1_000 / this.#rate;
    return at;
  }

  /** A request leaves for the `tries`-th time. */
  send(now: number, tries: number, prefix: Prefix, random: Random): Put {
    this.#measure(now);
    if (prefix.take(now)) {
      if (this.#rate !== Number.POSITIVE_INFINITY) this.#rate = Math.min(this.#cubic(now), 2 * this.#measured);
      this.#rate = Math.max(LEAST_RATE, this.#rate);
      return { state: 'done' };
    }
    const rate = Math.min(this.#measured, this.#rate);
    this.#lastMax = rate;
    this.#throttledAt = now;
    this.#rate = Math.max(LEAST_RATE, rate * BETA);
    if (tries >= MAX_TRIES) return { state: 'refused' };
    const pause = Math.min(MAX_PAUSE_MS, random.next() * PAUSE_MS * 2 ** (tries - 1));
    return { state: 'again', at: this.turn(now + pause) };
  }

  #cubic(now: number): number {
    const window = Math.cbrt((this.#lastMax * (1 - BETA)) / SCALE);
    return SCALE * ((now - this.#throttledAt) / 1_000 - window) ** 3 + this.#lastMax;
  }

  #measure(now: number): void {
    this.#count += 1;
    const elapsed = now - this.#countedFrom;
    if (elapsed < MEASURE_MS) return;
    const rate = (this.#count / elapsed) * 1_000;
    this.#measured = this.#measured === 0 ? rate : 0.2 * this.#measured + 0.8 * rate;
    this.#count = 0;
    this.#countedFrom = now;
  }
}
