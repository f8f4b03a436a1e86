import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Causes, isUntried } from '../../lib/report/causes.ts';

const failed = (line: number, error: 'NotFound' | 'Throttled', status?: number) => ({
  line,
  url: `http://h/${line}`,
  error,
  status,
  message: 'm',
});

describe('causes', () => {
  it('come with the most frequent first, apart by status, with the first lines of each', () => {
    const causes = new Causes();
    causes.add(failed(1, 'Throttled', 429));
    causes.add(failed(2, 'Throttled', 503));
    for (let line = 3; line < 10; line += 1) causes.add(failed(line, 'NotFound', 404));

    expect(causes.list()).toMatchObject([
      { error: 'NotFound', status: 404, count: 7, samples: [{ line: 3 }, { line: 4 }, { line: 5 }] },
      { error: 'Throttled', status: 429, count: 1, samples: [{ line: 1 }] },
      { error: 'Throttled', status: 503, count: 1 },
    ]);
  });

  it('count every line once, and stay small however many there are', () => {
    const lines = fc.array(fc.constantFrom(404, 410, 451), { maxLength: 200 });
    fc.assert(
      fc.property(lines, (statuses) => {
        const causes = new Causes();
        for (const [line, status] of statuses.entries()) causes.add(failed(line + 1, 'NotFound', status));

        const list = causes.list();

        expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(statuses.length);
        for (const { count, samples } of list) expect(samples).toHaveLength(Math.min(3, count));
      }),
    );
  });

  it('are none of a line that nobody got to; one that was tried before a limit failed', () => {
    const outcome = 'failed';
    expect(isUntried({ outcome, error: 'LimitReached', attempts: 0 })).toBe(true);
    expect(isUntried({ outcome, error: 'Interrupted', attempts: 0 })).toBe(true);
    expect(isUntried({ outcome, error: 'LimitReached', attempts: 1 })).toBe(false);
    expect(isUntried({ outcome, error: 'Throttled', attempts: 0 })).toBe(false);
    expect(isUntried({ outcome: 'skipped', attempts: 0 })).toBe(false);
  });
});
