import { describe, expect, it } from 'vitest';
import { decideNext } from '../../lib/plan/decide-next.ts';
import type { Left } from '../../lib/plan/status.ts';

const facts = { now: 1_000_000, startedAt: 0, maxHours: 72 };

function left(notBefore: number): Left {
  return { index: 0, line: 1, host: 'a', attempts: 0, notBefore, crashes: 0 };
}

describe('decideNext', () => {
  it('reports when nothing is left', () => {
    expect(decideNext({ ...facts, left: [] })).toEqual({ step: 'report' });
  });

  it('fans out what is ready and leaves what is parked for later', () => {
    const ready = left(0);

    expect(decideNext({ ...facts, left: [ready, left(2_000_000)] })).toEqual({ step: 'fan-out', ready: [ready] });
  });

  it('waits for the first that becomes ready, at most an hour at a time', () => {
    expect(decideNext({ ...facts, left: [left(1_060_000), left(1_030_000)] })).toEqual({ step: 'wait', seconds: 30 });
    expect(decideNext({ ...facts, left: [left(1e12)] })).toEqual({ step: 'wait', seconds: 3_600 });
  });

  it('stops a run that is older than maxHours', () => {
    const late = { ...facts, now: 72 * 3_600_000, left: [left(0)] };

    expect(decideNext(late)).toMatchObject({ step: 'stop' });
  });
});
