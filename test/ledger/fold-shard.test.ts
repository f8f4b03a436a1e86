import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerRow } from '../../lib/contract/ledger-row.ts';
import { type AttemptRows, foldShard } from '../../lib/ledger/fold-shard.ts';

const started = (livesUntil?: number): LedgerRow => ({ row: 'started', at: 1, ...(livesUntil && { livesUntil }) });
const ended: LedgerRow = { row: 'ended', at: 2, ms: 1, requests: { put: 0, get: 0 } };
const outcome = (index: number, kind: 'stored' | 'skipped' | 'failed'): LedgerRow => ({
  row: 'outcome',
  index,
  line: index + 1,
  url: 'https://a.example/',
  outcome: kind,
  attempts: 1,
});
const deferred = (index: number, attempts: number): LedgerRow => ({
  row: 'deferred',
  index,
  line: index + 1,
  attempts,
});

const someRow = fc.oneof(
  fc.tuple(fc.nat(5), fc.constantFrom('stored', 'skipped', 'failed')).map(([index, kind]) => outcome(index, kind)),
  fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 5 })).map(([index, attempts]) => deferred(index, attempts)),
);
const someAttempts: fc.Arbitrary<AttemptRows[]> = fc.array(
  fc.record({ attempt: fc.uuid(), rows: fc.array(someRow, { maxLength: 10 }) }),
  { maxLength: 4 },
);

describe('foldShard', () => {
  it('says the same whatever the order of attempts and rows, and however often a row stands there', () => {
    fc.assert(
      fc.property(someAttempts, fc.infiniteStream(fc.nat()), (attempts, dice) => {
        const roll = () => dice.next().value ?? 0;
        const shuffled = attempts
          .map(({ attempt, rows }) => ({ attempt, rows: [...rows, ...rows].sort(() => (roll() % 2) - 0.5) }))
          .reverse();

        const [one, other] = [foldShard(attempts), foldShard(shuffled)];

        expect(new Map([...other.outcomes].sort())).toEqual(new Map([...one.outcomes].sort()));
        expect(new Map([...other.deferred].sort())).toEqual(new Map([...one.deferred].sort()));
      }),
    );
  });

  it('takes the longest of the delays that a host wants', () => {
    const wants = (ms: number): LedgerRow => ({ row: 'delay', host: 'a.test', ms });

    const fold = foldShard([
      { attempt: 'a', rows: [wants(1_000), wants(4_000)] },
      { attempt: 'b', rows: [wants(2_000)] },
    ]);

    expect(fold.delays).toEqual(new Map([['a.test', 4_000]]));
  });

  it('gives each item at most one fate', () => {
    fc.assert(
      fc.property(someAttempts, (attempts) => {
        const { outcomes, deferred: later } = foldShard(attempts);

        for (const index of outcomes.keys()) expect(later.has(index)).toBe(false);
      }),
    );
  });

  it('believes what was stored over an attempt that failed on it', () => {
    const fold = foldShard([
      { attempt: 'a', rows: [outcome(0, 'failed')] },
      { attempt: 'b', rows: [outcome(0, 'stored')] },
    ]);

    expect(fold.outcomes.get(0)).toMatchObject({ outcome: 'stored' });
  });

  it('calls a Lambda that began and never ended crashed, and busy until it cannot live any more', () => {
    expect(foldShard([{ attempt: 'a', rows: [started(900)] }])).toMatchObject({ crashed: true, busyUntil: 900 });
    expect(foldShard([{ attempt: 'a', rows: [started(900), ended] }])).toMatchObject({ crashed: false, busyUntil: 0 });
  });

  it('holds the end of a process of the user against nobody', () => {
    expect(foldShard([{ attempt: 'a', rows: [started()] }])).toMatchObject({ crashed: false, busyUntil: 0 });
  });
});
