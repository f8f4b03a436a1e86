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
    expect(decideNext({ ...facts, left: [left(1e8)] })).toEqual({ step: 'wait', seconds: 3_600 });
  });

  it('stops a run that is older than maxHours', () => {
    const late = { ...facts, now: 72 * 3_600_000, left: [left(0)] };

    expect(decideNext(late)).toMatchObject({ step: 'stop', why: expect.stringContaining('maxHours 72') });
  });

  it('does not wait for what may not be tried before maxHours are over', () => {
    expect(decideNext({ ...facts, left: [left(1e12)] })).toMatchObject({ step: 'stop' });
    expect(decideNext({ ...facts, maxHours: Number.POSITIVE_INFINITY, left: [left(1e12)] })).toMatchObject({
      step: 'wait',
    });
  });

  it('stops at a limit that was passed, whatever is ready', () => {
    expect(decideNext({ ...facts, left: [left(0)], limit: 'too many' })).toEqual({ step: 'stop', why: 'too many' });
  });

  it('stops when nothing that is left fits into the bytes, and waits for what does', () => {
    const bytes = { stored: 60, most: 100 };
    const large = { ...left(0), bytes: 50 };
    const small = { ...left(1_060_000), bytes: 40 };

    expect(decideNext({ ...facts, bytes, left: [large] })).toMatchObject({ step: 'stop' });
    expect(decideNext({ ...facts, bytes, left: [large, small] })).toEqual({ step: 'wait', seconds: 60 });
  });
});
