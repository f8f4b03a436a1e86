import { describe, expect, it } from 'vitest';
import { parseRate, readHostLimits } from '../../cli/read-host-limits.ts';

describe('--host', () => {
  it('names connections, a rate, or both, of the hosts that match', () => {
    expect(readHostLimits(['a.test=2', '*.b.test=3,0.5', 'c.test:8080=,5:20'])).toEqual({
      hosts: [
        { pattern: 'a.test', connections: 2 },
        { pattern: '*.b.test', connections: 3, rate: { perSecond: 0.5 } },
        { pattern: 'c.test:8080', rate: { perSecond: 5, burst: 20 } },
      ],
      problems: [],
    });
  });

  it.each([
    'a.test',
    'a.test=',
    '=2',
    'a.test=x',
    'a.test=2,',
    'a.test=2,x',
    'a.test=0',
    'https://a.test=2',
    'a.test=,0',
  ])('refuses %j and says which one it was', (text) => {
    const { hosts, problems } = readHostLimits(['b.test=1', text]);

    expect(hosts).toEqual([{ pattern: 'b.test', connections: 1 }]);
    expect(problems).toEqual([expect.stringMatching(/^--host 2: ./)]);
  });
});

it.each([
  ['5', { perSecond: 5 }],
  ['0.5', { perSecond: 0.5 }],
  ['5:20', { perSecond: 5, burst: 20 }],
  ['5/s', undefined],
  ['', undefined],
])('--per-host-rate %j is %j', (text, rate) => {
  expect(parseRate(text)).toEqual(rate);
});
