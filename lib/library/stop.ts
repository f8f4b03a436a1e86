import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** setTimeout knows no more than 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * A signal of our own whose reason is always a SkyhaulError: aborted with whoever it follows (`Interrupted`), by a timeout
 * (`ItemTimeout`), or by us. It must be released: a signal of the caller's outlives what it ends, and would keep it alive.
 */
export class Stop {
  readonly #controller = new AbortController();
  readonly #followed: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(followed: AbortSignal | undefined) {
    this.#followed = followed;
    followed?.addEventListener('abort', this.#follow, { once: true });
    if (followed?.aborted) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it is aborted, once it is. */
  get reason(): SkyhaulError | undefined {
    const { aborted, reason } = this.#controller.signal;
    return aborted ? (reason as SkyhaulError) : undefined;
  }

  abort(error: SkyhaulError): void {
    this.#controller.abort(error);
  }

  startTimeout(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) return;
    const error = new SkyhaulError('ItemTimeout', `not done after ${timeoutMs} ms`);
    this.#timer = setTimeout(() => this.abort(error), Math.min(timeoutMs, MAX_TIMER_MS));
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#followed?.removeEventListener('abort', this.#follow);
  }

  readonly #follow = () => {
    const reason: unknown = this.#followed?.reason;
    const error =
      reason instanceof SkyhaulError
        ? reason
        : new SkyhaulError('Interrupted', 'the signal was aborted', { cause: reason });
    this.abort(error);
  };
}
