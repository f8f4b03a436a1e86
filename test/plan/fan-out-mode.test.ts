import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fanOutMode, historyEvents } from '../../lib/plan/fan-out-mode.ts';

describe('fanOutMode', () => {
  it('L12: never lets the inline rounds of an execution come near its 25,000 events of history', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 2_000 }), (rounds) => {
        let inline = 0;
        let history = 0;
        for (const shards of rounds) {
          if (fanOutMode(shards, history) === 'inline') inline += historyEvents(shards);
          history += historyEvents(shards);
        }

        expect(inline).toBeLessThanOrEqual(10_000);
      }),
    );
  });

  it('takes the inline Map for what it is wide enough for, and the distributed one beyond', () => {
    expect([1, 40, 41].map((shards) => fanOutMode(shards, 0))).toEqual(['inline', 'inline', 'distributed']);
  });
});
