import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineSet } from '../../cli/line-set.ts';

it('a set of lines knows each one that it was given, and no other', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 40_000 })), (lines) => {
      const seen = new Set<number>();
      const set = new LineSet();
      for (const line of lines) {
        expect(set.add(line)).toBe(!seen.has(line));
        seen.add(line);
      }
    }),
  );
});
