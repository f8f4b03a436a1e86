import type { ShardHeader } from '../contract/work.ts';

type Limits = NonNullable<ShardHeader['limits']>;

/** What an outcome adds up to. */
export interface Counted {
  readonly outcome: 'stored' | 'skipped' | 'failed';
  readonly bytes?: number | undefined;
}

/**
 * Failures and stored bytes of a round, against what the limits of the run leave for it. In Lambda each invocation counts
 * its own shard; in-process all shards count together. It stops nothing that is under way.
 */
export class Tally {
  #round = '';
  #failures = 0;
  #bytes = 0;

  /** Counts from nothing, unless it is at work on this round already. */
  begin(round: string): void {
    if (round === this.#round) return;
    this.#round = round;
    this.#failures = 0;
    this.#bytes = 0;
  }

  add({ outcome, bytes = 0 }: Counted): void {
    if (outcome === 'failed') this.#failures += 1;
    if (outcome === 'stored') this.#bytes += bytes;
  }

  hasTooManyFailures({ failures = Number.POSITIVE_INFINITY }: Limits): boolean {
    return this.#failures > failures;
  }

  /** No further item is to be begun. */
  isFull(limits: Limits): boolean {
    return this.hasTooManyFailures(limits) || this.#bytes >= (limits.bytes ?? Number.POSITIVE_INFINITY);
  }
}
