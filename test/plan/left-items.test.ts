import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeftItems } from '../../lib/plan/left-items.ts';
import type { Left } from '../../lib/plan/status.ts';

function left(index: number, attempts = 0): Left {
  return { index, line: index + 1, host: 'a', attempts, notBefore: 0, crashes: 0 };
}

const someIndexes = fc.uniqueArray(fc.nat(60), { maxLength: 40 }).map((indexes) => indexes.sort((a, b) => a - b));
const someSteps = fc.array(fc.record({ index: fc.nat(60), attempts: fc.option(fc.nat(9), { nil: undefined }) }));

describe('LeftItems', () => {
  it('agrees with a map, and keeps the order of the list', () => {
    fc.assert(
      fc.property(someIndexes, someSteps, (indexes, steps) => {
        const items = new LeftItems(indexes.map((index) => left(index)));
        const map = new Map(indexes.map((index) => [index, left(index)]));
        for (const { index, attempts } of steps) {
          if (attempts === undefined) {
            items.delete(index);
            map.delete(index);
          } else if (indexes.includes(index)) {
            items.set(left(index, attempts));
            map.set(index, left(index, attempts));
          }
          expect(items.get(index)).toEqual(map.get(index));
          expect(items.has(index)).toBe(map.has(index));
        }

        expect([...items.values()]).toEqual([...map.values()].sort((a, b) => a.index - b.index));
      }),
    );
  });

  it('takes up nothing that was not left, and passes over what is deleted on the way', () => {
    const items = new LeftItems([left(2), left(5), left(9)]);

    expect(() => items.set(left(3))).toThrow('item 3 was not left');
    const seen: number[] = [];
    for (const { index } of items.values()) {
      seen.push(index);
      items.delete(5);
    }
    expect(seen).toEqual([2, 9]);
  });
});
