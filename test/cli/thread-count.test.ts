import { describe, expect, it } from 'vitest';
import { LEAST_ITEMS, threadCount } from '../../cli/thread-count.ts';

const round = { asked: undefined, cores: 4, items: LEAST_ITEMS, shards: 4, options: {}, hasModule: false };

describe('the threads of a round', () => {
  it('are as many as there are cores, but for one, where there is enough to do', () => {
    expect(threadCount(round)).toBe(3);
    expect(threadCount({ ...round, cores: 2 })).toBe(1);
    expect(threadCount({ ...round, items: LEAST_ITEMS - 1 })).toBe(1);
  });

  it('are no more than its shards', () => {
    expect(threadCount({ ...round, shards: 2 })).toBe(2);
    expect(threadCount({ ...round, shards: 1, asked: 8 })).toBe(1);
  });

  it('are those that were asked for, however small the round', () => {
    expect(threadCount({ ...round, asked: 2, items: 3 })).toBe(2);
    expect(threadCount({ ...round, asked: 1 })).toBe(1);
  });

  it('are one for what a run counts as a whole, also where more are asked for', () => {
    for (const options of [{ robots: true }, { maxFailures: 3 }, { maxTotalBytes: 1_000 }]) {
      expect(threadCount({ ...round, options, asked: 4 })).toBe(1);
    }
  });

  it('are one for code of the user, unless more are asked for', () => {
    expect(threadCount({ ...round, hasModule: true })).toBe(1);
    expect(threadCount({ ...round, hasModule: true, asked: 4 })).toBe(4);
  });
});
