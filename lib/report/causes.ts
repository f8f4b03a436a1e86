import { z } from 'zod';
import { type Outcome, outcome } from '../contract/outcome.ts';

/**
 * Why lines of a run failed: how many for each error, with the first few of them. What it holds grows with the kinds of
 * errors, not with the list. A line that nobody got to has not failed for any cause of its own.
 */
const MAX_SAMPLES = 3;
/** Characters of a message; that of a module of the user's own may hold a stack. */
const MAX_MESSAGE = 500;

/** An error, apart by the status that the source answered with. */
export const cause = z.strictObject({
  error: outcome.shape.error,
  status: outcome.shape.status,
  count: z.int().min(1),
  /** The first lines of the list that it befell. */
  samples: z.array(outcome.pick({ line: true, url: true, message: true })),
});
export type Cause = z.infer<typeof cause>;

/** Ended by a limit, or stopped, before its first attempt. */
export function isUntried({
  outcome: what,
  error,
  attempts,
}: Pick<Outcome, 'outcome' | 'error' | 'attempts'>): boolean {
  return what === 'failed' && attempts === 0 && (error === 'LimitReached' || error === 'Interrupted');
}

export class Causes {
  readonly #causes = new Map<string, Cause>();

  add({ error, status, line, url, message }: Pick<Outcome, 'error' | 'status' | 'line' | 'url' | 'message'>): void {
    const name = `${error} ${status}`;
    const found = this.#causes.get(name) ?? { error, status, count: 0, samples: [] };
    this.#causes.set(name, found);
    found.count += 1;
    if (found.samples.length < MAX_SAMPLES) found.samples.push({ line, url, message: message?.slice(0, MAX_MESSAGE) });
  }

  /** The most frequent first. */
  list(): Cause[] {
    return [...this.#causes.values()].sort((a, b) => b.count - a.count);
  }
}
