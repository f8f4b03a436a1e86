import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostLimits } from '../../lib/contract/host-limits.ts';
import { options } from '../../lib/contract/options.ts';

const limitsOf = (given: object) => new HostLimits(options.parse(given));

describe('the limits of a host', () => {
  it('are those of all hosts, where no pattern says more', () => {
    const limits = limitsOf({ perHostRate: { perSecond: 2 } });

    expect(limits.connectionsOf('a.test')).toBe(6);
    expect(limits.rateOf('a.test')).toEqual({ perSecond: 2 });
  });

  it('are those of the most specific pattern, whatever their order', () => {
    const hosts = [
      { pattern: '*.test', connections: 1 },
      { pattern: 'a.b.test:8080', connections: 2 },
      { pattern: '*.b.test', connections: 3 },
      { pattern: 'a.b.test', connections: 4 },
      { pattern: '*.b.test:99', connections: 5 },
    ];
    const hostsAndLimits = {
      'x.test': 1,
      'a.b.test:8080': 2,
      'c.b.test': 3,
      'a.b.test:99': 4,
      'c.b.test:99': 5,
      test: 6,
    };

    fc.assert(
      fc.property(fc.shuffledSubarray(hosts, { minLength: hosts.length }), (shuffled) => {
        const limits = limitsOf({ hosts: shuffled });

        for (const [host, most] of Object.entries(hostsAndLimits)) expect(limits.connectionsOf(host)).toBe(most);
      }),
    );
  });

  it('come field by field from the most specific pattern that says something about it', () => {
    const limits = limitsOf({
      hosts: [
        { pattern: 'a.test', connections: 2 },
        { pattern: '*.test', rate: { perSecond: 1 } },
      ],
    });

    expect(limits.connectionsOf('a.test')).toBe(2);
    expect(limits.rateOf('a.test')).toEqual({ perSecond: 1 });
  });

  it('take of equal patterns the first, names as they are written in a URL, and addresses', () => {
    const limits = limitsOf({
      hosts: [
        { pattern: 'BÜCHER.test', connections: 2 },
        { pattern: 'bücher.test', connections: 3 },
        { pattern: '[::1]:81', connections: 4 },
        { pattern: '127.0.0.1', connections: 5 },
      ],
    });

    expect(limits.connectionsOf(new URL('https://bücher.test').host)).toBe(2);
    expect(limits.connectionsOf(new URL('http://[::1]:81').host)).toBe(4);
    expect(limits.connectionsOf('[::1]')).toBe(6);
    expect(limits.connectionsOf('127.0.0.1:8080')).toBe(5);
  });

  it.for([
    ['EXAMPLE.test.', 'http://example.test/'],
    ['*.example.test.', 'http://a.example.test/'],
    ['example.test:443', 'https://example.test/'],
    ['example.test:443', 'http://example.test:443/'],
    ['example.test:0080', 'http://example.test/'],
    ['*.example.test:80', 'http://a.example.test/'],
    ['[2001:DB8:0::1]', 'http://[2001:db8::1]:8080/'],
    ['[::ffff:127.0.0.1]:443', 'https://[::ffff:7f00:1]/'],
    ['0x7f.1:8080', 'http://127.0.0.1:8080/'],
    ['xn--bcher-kva.test', 'https://BÜCHER.test:444/'],
  ] as const)('given for %s are those of %s', ([pattern, url]) => {
    const limits = limitsOf({ hosts: [{ pattern, connections: 1 }] });

    expect(limits.connectionsOf(new URL(url).host)).toBe(1);
  });

  it('given for the port that a scheme has anyway do not reach another port', () => {
    const limits = limitsOf({ hosts: [{ pattern: 'a.test:443', connections: 1 }] });

    expect(limits.connectionsOf('a.test:444')).toBe(6);
  });

  it('do not reach a name that only ends alike', () => {
    const limits = limitsOf({ hosts: [{ pattern: '*.b.test', connections: 1 }] });

    expect(limits.connectionsOf('ab.test')).toBe(6);
    expect(limits.connectionsOf('b.test')).toBe(6);
  });

  it.each(['', '*', 'https://a.test', 'a.test/x', '*.*.test', 'a b', 'a.test:x', 'u@a.test'])(
    'refuse %j as a pattern',
    (pattern) => {
      expect(options.safeParse({ hosts: [{ pattern, connections: 1 }] }).success).toBe(false);
    },
  );
});
