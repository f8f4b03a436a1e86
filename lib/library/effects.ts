import { setTimeout as sleep } from 'node:timers/promises';

/** What the library takes from the world around it; the functions of `skyhaul` take the real one. */
export interface Effects {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** Resolves after so many milliseconds, or at once when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const systemEffects: Effects = {
  now: Date.now,
  random: Math.random,
  pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

/** Marks the objects of one call. Not the name of any run: nobody's object is taken for one of its own. */
export function markOf({ now, random }: Effects): string {
  return `library-${random().toString(36).slice(2, 10)}@${now()}`;
}
