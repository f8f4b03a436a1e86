/**
 * Whether a source is too slow for the invocation that reads it: pure. Asked while the body comes, so that the answer is
 * known after half a minute and not after a quarter of an hour.
 */
export interface PaceFacts {
  /** Received in this invocation, and since when. */
  readonly bytes: number;
  readonly elapsedMs: number;
  /** Of this invocation that is left, and the whole of a fresh one. Infinite without a deadline. */
  readonly timeLeftMs: number;
  readonly fullTimeMs: number;
  /** Of the body that is left; unknown: none. */
  readonly bytesLeft: number | undefined;
  /** What must be received in one go: a part of what can be resumed, everything of what cannot. */
  readonly partBytes: number;
  readonly isResumable: boolean;
}

export type Pace = 'fine' | 'part-too-slow' | 'leave' | 'whole-too-slow';

const MEASURE_MS = 30_000;
/** A source may become quicker; it is given up only where that would not help. */
const MARGIN = 1.25;

export function judgePace(facts: PaceFacts): Pace {
  const { bytes, elapsedMs, timeLeftMs, fullTimeMs, bytesLeft, partBytes, isResumable } = facts;
  if (elapsedMs < MEASURE_MS || fullTimeMs === Number.POSITIVE_INFINITY) return 'fine';
  const msFor = (wanted: number) => (wanted / Math.max(bytes, 1)) * elapsedMs;
  if (isResumable) return msFor(partBytes) > fullTimeMs * MARGIN ? 'part-too-slow' : 'fine';
  if (bytesLeft === undefined) return 'fine';
  if (msFor(bytes + bytesLeft) > fullTimeMs * MARGIN) return 'whole-too-slow';
  return msFor(bytesLeft) > timeLeftMs * MARGIN ? 'leave' : 'fine';
}
