import type { Outcome } from '../contract/outcome.ts';
import type { ErrorName } from '../errors/catalogue.ts';

/** Where one item stands. Sizes in bytes, times in seconds. */
export interface Progress {
  /** Position among the items of the call, counted from 1. */
  readonly line: number;
  readonly id?: string;
  /** Without user info, query and fragment. */
  readonly url: string;
  /** Below `to`; a stream has none. */
  readonly key?: string;
  /** `waiting`: for a connection that its host may have. `retrying`: an attempt failed, or its connection broke off. */
  readonly state: 'waiting' | 'reading' | 'retrying' | 'ended';
  /** Received of the source so far. Falls back to 0 where the item begins anew. */
  readonly bytes: number;
  /** As the source announced it; undefined where it did not. */
  readonly totalBytes: number | undefined;
  /** Smoothed over about five seconds; undefined until there is something to say. */
  readonly bytesPerSecond: number | undefined;
  /** Until the end, at this pace; undefined while it cannot be told. */
  readonly etaSeconds: number | undefined;
  /** Failures that were, or are being, mended. */
  readonly retries: number;
  /** Why it is retried, in state `retrying`. */
  readonly error?: ErrorName;
  /** In state `ended` of a download. */
  readonly outcome?: Outcome;
}

export type ProgressListener = (progress: Progress) => void;

/** Time in which an old measurement loses two thirds of its weight. */
const SMOOTHING_MS = 5_000;

/**
 * A rate that follows changes within seconds and does not jump with every packet: an average whose weights fall off
 * exponentially with age, right from its first sample on. Pure but for what it remembers; times in milliseconds.
 */
export class Rate {
  #at: number;
  #bytes = 0;
  #sum = 0;
  #weight = 0;

  constructor(now: number) {
    this.#at = now;
  }

  /** `bytes` in all so far; fewer than before: they are counted anew. */
  sample(now: number, bytes: number): void {
    const ms = now - this.#at;
    if (bytes < this.#bytes) this.#bytes = 0;
    if (ms <= 0) return;
    const kept = Math.exp(-ms / SMOOTHING_MS);
    this.#sum = this.#sum * kept + ((bytes - this.#bytes) / ms) * 1_000 * (1 - kept);
    this.#weight = this.#weight * kept + (1 - kept);
    this.#at = now;
    this.#bytes = bytes;
  }

  get bytesPerSecond(): number | undefined {
    return this.#weight === 0 ? undefined : this.#sum / this.#weight;
  }
}

interface ReporterOptions {
  readonly about: Pick<Progress, 'line' | 'id' | 'url' | 'key'>;
  readonly listener: ProgressListener;
  /** Least time between two events of one state. */
  readonly intervalMs: number;
  readonly now: () => number;
}

/** The events of one item: every change of its state, and in between as many as the interval allows. */
export class ProgressReporter {
  readonly #options: ReporterOptions;
  readonly #rate: Rate;
  #state: Progress['state'] = 'waiting';
  #toldAt = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  #totalBytes: number | undefined;
  #retries = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#rate = new Rate(options.now());
  }

  waiting(): void {
    this.#tell('waiting');
  }

  reading(): void {
    this.#tell('reading');
  }

  received(bytes: number, totalBytes: number | undefined): void {
    this.#bytes = bytes;
    this.#totalBytes = totalBytes;
    const now = this.#options.now();
    if (this.#state === 'reading' && now - this.#toldAt < this.#options.intervalMs) return;
    this.#rate.sample(now, bytes);
    this.#tell('reading');
  }

  retrying(error: ErrorName): void {
    this.#retries += 1;
    this.#tell('retrying', { error });
  }

  ended(more: Pick<Progress, 'outcome'> = {}): void {
    this.#rate.sample(this.#options.now(), this.#bytes);
    this.#tell('ended', more);
  }

  #tell(state: Progress['state'], more: Pick<Progress, 'error' | 'outcome'> = {}): void {
    const { about, listener, now } = this.#options;
    this.#state = state;
    this.#toldAt = now();
    const { bytesPerSecond } = this.#rate;
    listener({
      ...about,
      state,
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
      bytesPerSecond,
      etaSeconds: state === 'ended' ? 0 : etaSeconds(this.#bytes, this.#totalBytes, bytesPerSecond),
      retries: this.#retries,
      ...more,
    });
  }
}

/** Seconds left at this pace: pure. Undefined where the length is unknown or nothing moves. */
export function etaSeconds(bytes: number, totalBytes: number | undefined, rate: number | undefined) {
  if (totalBytes === undefined || rate === undefined || rate <= 0) return undefined;
  return Math.max(0, totalBytes - bytes) / rate;
}
