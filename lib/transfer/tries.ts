import type { SkyhaulError } from '../errors/skyhaul-error.ts';
import { decideRetry, type RetryDecision } from './retry-policy.ts';

export interface TriesOptions {
  /** Tries of earlier rounds since the last step forward. */
  readonly failed: number;
  readonly resumes: number;
  readonly maxAttempts: number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** Told of every failure. Milliseconds for which its host is parked, if it is. */
  readonly onFailure?: (error: SkyhaulError) => number | undefined;
}

/** Whoever received so much of a pinned version has come forward, although no part is whole yet. */
const STEP_BYTES = 1024 * 1024;

/**
 * The tries of one item in one invocation. An error counts once, whoever asks what follows it; a step forward gives all
 * tries back, since a long file over a bad line breaks off more often than any limit.
 */
export class Tries {
  readonly #options: TriesOptions;
  readonly #decided = new WeakMap<SkyhaulError, RetryDecision>();
  #failed: number;
  #resumes: number;
  #bytes = 0;

  constructor(options: TriesOptions) {
    this.#options = options;
    this.#failed = options.failed;
    this.#resumes = options.resumes;
  }

  /** Since the last step forward. */
  get failed(): number {
    return this.#failed;
  }

  get resumes(): number {
    return this.#resumes;
  }

  decide(error: SkyhaulError): RetryDecision {
    const decided = this.#decided.get(error);
    if (decided) return decided;
    const { maxAttempts, random, onFailure } = this.#options;
    const parkedMs = onFailure?.(error);
    // Where nobody was asked, nothing was tried.
    if (!error.details.isUnasked) this.#failed += 1;
    this.#bytes = 0;
    const decision = decideRetry({ error, attempts: this.#failed, maxAttempts, parkedMs, random: random() });
    this.#decided.set(error, decision);
    return decision;
  }

  resumed(): void {
    this.#resumes += 1;
  }

  /** Bytes that stay of use when the answer breaks off. */
  received(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= STEP_BYTES) this.#failed = 0;
  }

  /** An invocation came to nothing, without an error of anybody's. */
  idled(): void {
    this.#failed += 1;
  }
}
