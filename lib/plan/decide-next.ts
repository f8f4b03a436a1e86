import { bytesLimit, timeLimit, waitLimit, withinBytes } from './limits.ts';
import type { Left } from './status.ts';

/** Items that become ready within this time are not waited for with a state of their own. */
const SOON_MS = 1_000;
/** Step Functions allows a year; an hour keeps the plan fresh. */
const MAX_WAIT_MS = 3_600_000;

export type NextStep =
  | { readonly step: 'report' }
  | { readonly step: 'stop'; readonly why: string }
  | { readonly step: 'wait'; readonly seconds: number }
  | { readonly step: 'fan-out'; readonly ready: readonly Left[] };

export interface NextStepFacts {
  readonly left: readonly Left[];
  readonly now: number;
  readonly startedAt: number;
  readonly maxHours: number;
  /** A limit that the run has passed, in words. */
  readonly limit?: string | undefined;
  /** Stored so far, and how many it may be. @default no limit */
  readonly bytes?: { readonly stored: number; readonly most: number } | undefined;
}

/** What the run does next: pure. */
export function decideNext({ left, now, startedAt, maxHours, limit, bytes }: NextStepFacts): NextStep {
  if (left.length === 0) return { step: 'report' };
  const endsAt = startedAt + maxHours * 3_600_000;
  if (now >= endsAt) return { step: 'stop', why: timeLimit(maxHours) };
  if (limit !== undefined) return { step: 'stop', why: limit };
  const bytesLeft = bytes ? bytes.most - bytes.stored : Number.POSITIVE_INFINITY;
  // What waits for another line becomes ready when that one is done.
  const isOpen = (item: Left) => item.waitsFor === undefined;
  const isReady = (item: Left) => isOpen(item) && item.notBefore <= now + SOON_MS;
  // In the first round of a long list all of them are: no need to write down a million once more.
  const ready = withinBytes(left.every(isReady) ? left : left.filter(isReady), bytesLeft);
  if (ready.length > 0) return { step: 'fan-out', ready };
  const earliest = left.reduce(
    (least, item) => (!isOpen(item) || (item.bytes ?? 0) > bytesLeft ? least : Math.min(least, item.notBefore)),
    Number.POSITIVE_INFINITY,
  );
  if (bytes && earliest === Number.POSITIVE_INFINITY)
    return { step: 'stop', why: bytesLimit(bytes.stored, bytes.most) };
  // Nobody gains from waiting for an end that comes first.
  if (earliest >= endsAt) return { step: 'stop', why: waitLimit(maxHours) };
  return { step: 'wait', seconds: Math.ceil(Math.min(earliest - now, MAX_WAIT_MS) / 1_000) };
}
