import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GivenOptions, mergeOptions } from '../../lib/contract/merge-options.ts';

const headerName = fc.constantFrom('Accept', 'accept', 'X-A', 'Authorization', 'authorization', 'User-Agent');
const request = fc.record(
  {
    headers: fc
      .uniqueArray(fc.tuple(headerName, fc.constantFrom('1', '2')), {
        selector: ([name]) => name.toLowerCase(),
      })
      .map((entries) => Object.fromEntries(entries)),
    query: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2')),
    auth: fc.constantFrom('x', 'y').map((token) => ({ type: 'bearer', token }) as const),
    userAgent: fc.constantFrom('one', 'two'),
    cookies: fc.boolean(),
  },
  { requiredKeys: [] },
);
const options: fc.Arbitrary<GivenOptions> = fc.record(
  { attempts: fc.integer({ min: 1, max: 3 }), transform: fc.constant(['gunzip' as const]), request },
  { requiredKeys: [] },
);

const names = (headers: object = {}) => Object.keys(headers).map((name) => name.toLowerCase());

describe('options above options', () => {
  it('win field by field; headers and query are put together by name', () => {
    const farther = {
      attempts: 3,
      maxBytes: 5,
      request: { headers: { 'X-Team': 'a', Accept: 'text/csv' }, query: { v: '1', page: '1' }, cookies: true },
    };
    const nearer = { attempts: 9, request: { headers: { accept: '*/*' }, query: { page: '2' }, userAgent: 'mine' } };

    expect(mergeOptions(farther, nearer)).toEqual({
      attempts: 9,
      maxBytes: 5,
      request: {
        headers: { 'X-Team': 'a', accept: '*/*' },
        query: { v: '1', page: '2' },
        cookies: true,
        userAgent: 'mine',
      },
    });
  });

  it('say alone who asks, by `auth` or by a header', () => {
    const auth = { type: 'bearer', token: 't' } as const;
    const header = { headers: { Authorization: 'Key k' } };

    expect(mergeOptions({ request: { auth } }, { request: header })).toEqual({ request: header });
    expect(mergeOptions({ request: header }, { request: { auth } })).toEqual({ request: { auth } });
  });

  it('take no default away by a field that says nothing', () => {
    expect(mergeOptions({ attempts: 3 }, { attempts: undefined, request: undefined })).toEqual({ attempts: 3 });
  });

  it('can be put together in any grouping, and nothing changes nothing', () => {
    fc.assert(
      fc.property(options, options, options, (a, b, c) => {
        expect(mergeOptions(mergeOptions(a, b), c)).toEqual(mergeOptions(a, mergeOptions(b, c)));
      }),
    );
    fc.assert(
      fc.property(options, (a) => {
        expect(mergeOptions({}, a)).toEqual(a);
        expect(mergeOptions(a, {})).toEqual(a);
      }),
    );
  });

  it('never hold a header twice, whatever its case', () => {
    fc.assert(
      fc.property(options, options, (a, b) => {
        const found = names(mergeOptions(a, b).request?.headers);
        expect(new Set(found).size).toBe(found.length);
      }),
    );
  });
});
