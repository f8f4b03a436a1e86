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

  it.each([
    ['a.test=0', '--host 1: the connections must be 1 to 1,000, found "a.test=0"'],
    ['a.test=,0', '--host 1: the requests a second must be more than 0, at most 10,000, found "a.test=,0"'],
    ['a.test=1,5:0', '--host 1: the burst must be at least 1, found "a.test=1,5:0"'],
    ['a/b=1', '--host 1: a host: example.com, *.example.com or example.com:8080, found "a/b=1"'],
    [
      'a.test',
      '--host 1: must be host=connections, host=connections,rate or host=,rate, such as "*.example.com=2,0.5", found "a.test"',
    ],
  ])('says of %j what it must be', (text, problem) => {
    expect(readHostLimits([text]).problems).toEqual([problem]);
  });

  it.each(['https://me:canary@a.test=1', 'https://a.test/?k=canary'])('does not repeat %s', (text) => {
    expect(readHostLimits([text]).problems.join()).not.toContain('canary');
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
