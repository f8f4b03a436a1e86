import type { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { StreamedBody } from '../source/streamed-body.ts';
import type { RetryDecision } from '../transfer/retry-policy.ts';
import { Tries, type TriesOptions } from '../transfer/tries.ts';

/** A run waits longer between its rounds, where waiting costs nothing, than anybody wants to wait in front of a stream. */
const ROUNDS_ARE_LONGER = 7.5;

/**
 * Here nobody comes back in a later round, so what a run would put off is waited for in place: about 1, 2, 4 and 8 seconds
 * at most, chosen at random, or exactly as long as the host asks for.
 */
export class PatientTries extends Tries {
  readonly #onRetry: (error: SkyhaulError, afterMs: number) => void;
  readonly #body: StreamedBody | undefined;
  readonly #told = new WeakSet<SkyhaulError>();

  /** @param body what has to be sent again with every try, and perhaps cannot be */
  constructor(
    options: TriesOptions,
    onRetry: (error: SkyhaulError, afterMs: number) => void,
    body: StreamedBody | undefined,
  ) {
    super(options);
    this.#onRetry = onRetry;
    this.#body = body;
  }

  override decide(error: SkyhaulError): RetryDecision {
    const decision = super.decide(error);
    if (decision.action === 'fail' || this.#body?.canBeSent === false) return { action: 'fail' };
    const isOurs = decision.action === 'defer' && error.details.retryAfterMs === undefined;
    const afterMs = isOurs ? Math.round(decision.afterMs / ROUNDS_ARE_LONGER) : decision.afterMs;
    // Who is stopped does not try again, whatever the policy says.
    if (!this.#told.has(error) && error.name !== 'Interrupted') this.#onRetry(error, afterMs);
    this.#told.add(error);
    return { action: 'retry', afterMs };
  }
}
