import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostLimits } from '../../lib/contract/host-limits.ts';
import { options } from '../../lib/contract/options.ts';
import { LaneGroups } from '../../lib/plan/lane-groups.ts';

const limits = new HostLimits(options.parse({ hosts: [{ pattern: 'small.test', connections: 2 }] }));

describe('hosts that share lanes', () => {
  it('are each for itself as long as nothing leads anywhere', () => {
    const { groupOf } = new LaneGroups(limits);

    expect(groupOf('a.test')).toEqual({ key: 'a.test', connections: 6 });
    expect(groupOf('small.test')).toEqual({ key: 'small.test', connections: 2 });
  });

  it('are those that lead to one another, over a third too, with the least of their limits', () => {
    const { groupOf } = new LaneGroups(limits, {
      'a.test': ['cdn.test'],
      'b.test': ['cdn.test'],
      'cdn.test': ['small.test'],
    });

    const group = groupOf('a.test');

    expect(group.connections).toBe(2);
    for (const host of ['b.test', 'cdn.test', 'small.test']) expect(groupOf(host)).toEqual(group);
    expect(groupOf('c.test')).toEqual({ key: 'c.test', connections: 6 });
  });

  it('do not grow together over a host that leads anywhere', () => {
    const to = ['b.test', 'c.test', 'd.test', 'e.test', 'f.test'];
    const { groupOf } = new LaneGroups(limits, { 'short.test': to });

    expect(groupOf('short.test').key).not.toBe(groupOf('b.test').key);
    expect(groupOf('b.test').key).not.toBe(groupOf('c.test').key);
  });

  it('are the same whoever asks first, and never have more lanes than any of them may', () => {
    const host = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'small.test');
    const someLeads = fc.dictionary(host, fc.uniqueArray(host, { minLength: 1, maxLength: 3 }));

    fc.assert(
      fc.property(someLeads, (leads) => {
        const { groupOf } = new LaneGroups(limits, leads);
        for (const [from, to] of Object.entries(leads)) {
          for (const other of to) {
            expect(groupOf(other)).toEqual(groupOf(from));
            expect(groupOf(from).connections).toBeLessThanOrEqual(limits.connectionsOf(other));
          }
        }
      }),
    );
  });

  it('have no more lanes at a low rate than it has requests in ten seconds', () => {
    const slow = new HostLimits(options.parse({ perHostRate: { perSecond: 0.25 } }));

    expect(new LaneGroups(slow).groupOf('a.test').connections).toBe(3);
  });

  it('have no more lanes where a robots.txt wants a delay than it has requests in ten seconds', () => {
    const limits = new HostLimits(options.parse({ perHostRate: { perSecond: 0.25 } }));
    const lanesAt = (ms: number) => new LaneGroups(limits, {}, new Map([['a.test', ms]])).groupOf('a.test').connections;

    expect([10_000, 6_000, 100].map(lanesAt)).toEqual([1, 2, 3]);
  });

  it('are found among very many', () => {
    const leads = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`h${n}.test`, ['cdn.test']]));
    const { groupOf } = new LaneGroups(limits, leads);

    expect(new Set(Object.keys(leads).map((one) => groupOf(one).key)).size).toBe(1);
  });
});
