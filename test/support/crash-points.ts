import type { Level, Trip } from './crash-trip.ts';

/** When a process is killed: at a point of its work, or so long after its beginning. */
export type Strike = Trip | { readonly afterMs: number };

export interface Plan {
  readonly strikes: readonly Strike[];
  /** Behind so many kills the janitor comes first. */
  readonly cleanAfter: number | undefined;
}

/** 0 ≤ x < 1, the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Before and after every operation on a store, and before every one on the file system. */
export function everyOperation(counts: Readonly<Record<Level, number>>, random: () => number): Plan[] {
  const points = (level: Level, when: Trip['when']) =>
    Array.from({ length: counts[level] }, (_, index): Strike => ({ level, at: index + 1, when, signal: 'SIGKILL' }));
  const all = [...points('store', 'before'), ...points('store', 'after'), ...points('files', 'before')];
  return all.map((first) => withMore(first, counts, random));
}

/** Anywhere: an operation on a store or on the file system, a byte of the source, a moment. */
export function anywhere(counts: Readonly<Record<Level, number>>, random: () => number): Plan {
  return withMore(strikeAnywhere(counts, random), counts, random);
}

/** Sometimes it is killed once more, sometimes the janitor comes by. */
function withMore(first: Strike, counts: Readonly<Record<Level, number>>, random: () => number): Plan {
  const strikes = random() < 0.35 ? [first, strikeAnywhere(counts, random)] : [first];
  return { strikes, cleanAfter: random() < 0.25 ? strikes.length : undefined };
}

const MOMENTS_MS = 600;

function strikeAnywhere(counts: Readonly<Record<Level, number>>, random: () => number): Strike {
  const dice = random();
  if (dice < 0.15) return { afterMs: Math.floor(random() * MOMENTS_MS) };
  const level = dice < 0.3 ? 'bytes' : dice < 0.6 && counts.files > 0 ? 'files' : 'store';
  const at = 1 + Math.floor(random() * counts[level]);
  const when = level === 'bytes' || random() < 0.5 ? 'after' : 'before';
  return { level, at, when, signal: 'SIGKILL' };
}
