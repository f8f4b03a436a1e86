import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostRow, OutcomeRow } from '../../lib/contract/ledger-row.ts';
import { foldShard } from '../../lib/ledger/fold-shard.ts';
import { answeringHosts, foldHosts, type HostTrouble, isSpent, refusedRow } from '../../lib/plan/host-trouble.ts';
import type { Piece } from '../../lib/plan/pieces.ts';
import { oneLaneToTroubled, withProbes } from '../../lib/plan/probes.ts';
import type { Left } from '../../lib/plan/status.ts';

const NOW = 1_000_000;
const row = (host: string, notBefore = NOW + 15_000): HostRow => ({
  row: 'host',
  host,
  error: 'Throttled',
  message: '429',
  status: 429,
  notBefore,
});
const left = (index: number, more: Partial<Left> = {}): Left => ({
  index,
  line: index + 1,
  host: 'a.test',
  attempts: 0,
  notBefore: 0,
  crashes: 0,
  ...more,
});
const refusing = (before: readonly HostTrouble[], now: number, random: number) =>
  Array.from(
    foldHosts(before, {
      refused: new Map([['a.test', row('a.test', now)]]),
      answered: new Set(),
      now,
      random: () => random,
    }).values(),
  );

describe('a host that refuses round after round', () => {
  it('waits longer each time, at random, and never less than it was told', () => {
    const waits = (random: number) => {
      const found: number[] = [];
      let troubles: HostTrouble[] = [];
      for (let round = 0; round < 7; round += 1) {
        troubles = refusing(troubles, NOW, random);
        found.push((troubles[0]?.until ?? 0) - NOW);
      }
      return found;
    };

    expect(waits(1)).toEqual([0, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
    expect(waits(0)).toEqual(Array(7).fill(0));
    fc.assert(
      fc.property(fc.nat(5_000_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (asked, random) => {
        const round = { refused: new Map([['a.test', row('a.test', NOW + asked)]]), answered: new Set<string>() };

        const next = foldHosts([], { ...round, now: NOW, random: () => random }).get('a.test');

        expect(next?.until).toBeGreaterThanOrEqual(NOW + asked);
      }),
    );
  });

  it('begins anew when it has answered in between, and is forgotten when that was all', () => {
    const before = refusing(refusing([], NOW, 0), NOW + 1, 0);
    const answered = new Set(['a.test']);
    const round = { answered, now: NOW + 60_000, random: () => 0 };

    expect(before).toMatchObject([{ refusals: 2, since: NOW }]);
    expect(foldHosts(before, { ...round, refused: new Map() }).size).toBe(0);
    expect(foldHosts(before, { ...round, refused: new Map([['a.test', row('a.test')]]) }).get('a.test')).toMatchObject({
      refusals: 1,
      since: NOW + 60_000,
    });
  });

  it('stays as it is in a round in which nobody asked it', () => {
    const before = refusing([], NOW, 0);

    const next = foldHosts(before, { refused: new Map(), answered: new Set(), now: NOW + 1, random: () => 0 });

    expect(Array.from(next.values())).toEqual(before);
  });

  it('has a budget of refusals and of time', () => {
    const trouble = refusing(refusing([], NOW, 0), NOW, 0)[0] as HostTrouble;

    expect(isSpent(trouble, { hostAttempts: 2 }, NOW)).toBe(true);
    expect(isSpent(trouble, { hostAttempts: 3 }, NOW + 1e9)).toBe(false);
    expect(isSpent(trouble, { hostAttempts: 3, hostTimeoutMs: 60_000 }, NOW + 60_000)).toBe(true);
  });

  it('fails a line with its own error, and with the tries that the line itself had', () => {
    const trouble = refusing([], NOW, 0)[0] as HostTrouble;

    expect(refusedRow(left(4, { attempts: 2 }), trouble, NOW + 120_000)).toMatchObject({
      index: 4,
      line: 5,
      outcome: 'failed',
      error: 'Throttled',
      status: 429,
      attempts: 2,
      message: 'a.test refused once within 2 min, and was not asked for this line again; at last: 429',
    });
  });
});

describe('the hosts that answered', () => {
  const outcome = (more: Partial<OutcomeRow>): OutcomeRow => ({
    row: 'outcome',
    index: 0,
    line: 1,
    url: '',
    outcome: 'stored',
    attempts: 1,
    ...more,
  });
  const answering = (rows: Parameters<typeof foldShard>[0][number]['rows'], item = left(0)) =>
    Array.from(answeringHosts([item], foldShard([{ attempt: 'a', rows }])));

  it.for<[Partial<OutcomeRow>, boolean]>([
    [{ outcome: 'stored' }, true],
    [{ outcome: 'skipped', reason: 'unchanged' }, true],
    [{ outcome: 'skipped', reason: 'exists' }, false],
    [{ outcome: 'failed', error: 'NotFound', status: 404 }, true],
    [{ outcome: 'failed', error: 'Throttled', status: 429 }, false],
    [{ outcome: 'failed', error: 'ConnectTimeout' }, false],
  ])('are told from %j: %s', ([more, isAnswered]) => {
    expect(answering([outcome(more)])).toEqual(isAnswered ? ['a.test'] : []);
  });

  it('are those behind redirects, too', () => {
    expect(answering([outcome({})], left(0, { behind: 'b.test' }))).toEqual(['a.test', 'b.test']);
  });
});

describe('a round that goes to a host which refused', () => {
  const pieceOf = (item: Left): Piece => ({ left: item, host: item.host, bytes: item.bytes, most: item.most });

  it('has one lane to it, whose first item is the one that was tried least', () => {
    const pieces = [left(0, { attempts: 3 }), left(1, { host: 'b.test' }), left(2, { attempts: 1 })].map(pieceOf);
    const troubled = new Map([['a.test', 1]]);

    const planned = withProbes(pieces, troubled, 5);

    expect(planned.map(({ left: { index }, probe }) => [index, probe])).toEqual([
      [1, undefined],
      [2, true],
      [0, true],
    ]);
    const groupOf = oneLaneToTroubled((host) => ({ key: host, connections: 6 }), troubled);
    expect([groupOf('a.test'), groupOf('b.test')].map(({ connections }) => connections)).toEqual([1, 6]);
  });

  it.for([
    [1, [0, 1, 3, 4, 2]],
    [2, [3, 1, 0, 4, 2]],
    [3, [0, 1, 3, 4, 2]],
  ] as const)(
    'begins after %d refusals in a row with item %j, and never with the last attempt of one',
    ([refusals, order]) => {
      const pieces = [0, 1, 5, 2, 4].map((attempts, index) => pieceOf(left(index, { attempts })));

      const planned = withProbes(pieces, new Map([['a.test', refusals]]), 5);

      expect(planned.map(({ left: { index } }) => index)).toEqual(order);
    },
  );

  it('takes one item there that is led to it by a host with many lanes', () => {
    const pieces = [1, 0, 2].map((attempts, index) => pieceOf(left(index, { attempts, behind: 'b.test' })));

    const planned = withProbes([...pieces, pieceOf(left(3))], new Map([['b.test', 1]]), 5);

    expect(planned.map(({ left: { index }, probe }) => [index, probe])).toEqual([
      [3, undefined],
      [1, true],
    ]);
  });

  it('leaves most of a long list out, and nothing of other hosts', () => {
    const pieces = Array.from({ length: 5_000 }, (_, index) =>
      pieceOf(left(index, { host: index % 2 === 0 ? 'a.test' : 'b.test' })),
    );

    const planned = withProbes(pieces, new Map([['a.test', 1]]), 5);

    expect(planned.filter(({ host }) => host === 'b.test').length).toBe(2_500);
    expect(planned.filter(({ host }) => host === 'a.test').length).toBe(100);
  });
});
