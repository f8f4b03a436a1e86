import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exceeding, limitItem, limitOptions } from '../../lib/contract/deployed-limits.ts';
import { options } from '../../lib/contract/options.ts';

const some = { requiredKeys: [] };
const limits = fc.record(
  {
    perHostConnections: fc.integer({ min: 1, max: 20 }),
    maxBytes: fc.integer({ min: 0, max: 20 }),
    maxTotalBytes: fc.integer({ min: 1, max: 20 }),
    maxHours: fc.integer({ min: 1, max: 100 }),
  },
  some,
);

describe('the limits of a deployment', () => {
  it('are never exceeded, whatever is asked for, and lower nothing that is within them', () => {
    fc.assert(
      fc.property(limits, limits, (asked, most) => {
        const wanted = options.parse(asked);
        const got = limitOptions(wanted, most);

        for (const name of ['perHostConnections', 'maxBytes', 'maxTotalBytes', 'maxHours'] as const) {
          const value = got[name] ?? Number.POSITIVE_INFINITY;
          const want = wanted[name] ?? Number.POSITIVE_INFINITY;
          expect(value).toBe(Math.min(want, most[name] ?? Number.POSITIVE_INFINITY));
        }
      }),
    );
  });

  it('hold for hosts that have a number of their own', () => {
    const hosts = [{ pattern: 'a.test', connections: 9 }, { pattern: 'b.test', connections: 2 }, { pattern: 'c.test' }];

    expect(limitOptions(options.parse({ hosts }), { perHostConnections: 3 }).hosts).toEqual([
      { pattern: 'a.test', connections: 3 },
      { pattern: 'b.test', connections: 2 },
      { pattern: 'c.test' },
    ]);
  });

  it('name what asked for more, and not what has a high default only', () => {
    const most = { perHostConnections: 3, maxBytes: 10, maxHours: 1 };

    expect(exceeding({}, most)).toEqual([]);
    expect(exceeding({ perHostConnections: 4, maxBytes: 10, maxHours: 2 }, most)).toEqual([
      'perHostConnections',
      'maxHours',
    ]);
    expect(exceeding({ hosts: [{ pattern: 'a.test', connections: 4 }] }, most)).toEqual(['hosts']);
  });

  it('hold for an item of its own mind, too', () => {
    const url = 'https://a.test/';

    expect(limitItem({ url, maxBytes: 11 }, { maxBytes: 10 })).toEqual({ url, maxBytes: 10 });
    expect(limitItem({ url, maxBytes: 9 }, { maxBytes: 10 })).toEqual({ url, maxBytes: 9 });
    expect(limitItem({ url }, { maxBytes: 10 })).toEqual({ url });
    expect(limitItem({ url, maxBytes: 11 }, {})).toEqual({ url, maxBytes: 11 });
  });
});
