import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Loads } from '../../lib/plan/loads.ts';

it('every weight goes onto the lightest load, of equal ones the first', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 200 });

  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), weights, (count, given) => {
      const loads = new Loads(count);
      const sums = Array.from({ length: count }, () => 0);
      for (const weight of given) {
        const lightest = sums.indexOf(Math.min(...sums));

        expect(loads.put(weight)).toBe(lightest);
        sums[lightest] = (sums[lightest] ?? 0) + weight;
      }
    }),
  );
});
