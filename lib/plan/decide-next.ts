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
}

/** What the run does next: pure. */
export function decideNext({ left, now, startedAt, maxHours }: NextStepFacts): NextStep {
  if (left.length === 0) return { step: 'report' };
  if (now - startedAt >= maxHours * 3_600_000)
    return { step: 'stop', why: `the run took longer than maxHours ${maxHours}` };
  const ready = left.filter((item) => item.notBefore <= now + SOON_MS);
  if (ready.length > 0) return { step: 'fan-out', ready };
  const earliest = left.reduce((least, item) => Math.min(least, item.notBefore), Number.POSITIVE_INFINITY);
  return { step: 'wait', seconds: Math.ceil(Math.min(earliest - now, MAX_WAIT_MS) / 1_000) };
}
