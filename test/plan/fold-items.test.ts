import { describe, expect, it } from 'vitest';
import type { DeferredRow, OutcomeRow } from '../../lib/contract/ledger-row.ts';
import type { ShardFold } from '../../lib/ledger/fold-shard.ts';
import { foldItems } from '../../lib/plan/fold-items.ts';
import type { Left } from '../../lib/plan/status.ts';

function left(index: number, more: Partial<Left> = {}): Left {
  return { index, line: index + 1, host: 'a.example', attempts: 0, notBefore: 0, crashes: 0, ...more };
}

function fold(more: Partial<ShardFold> = {}): ShardFold {
  return { outcomes: new Map(), deferred: new Map(), checkpoints: new Map(), crashed: false, busyUntil: 0, ...more };
}

function stored(index: number): [number, OutcomeRow] {
  return [index, { row: 'outcome', index, line: index + 1, url: 'https://a.example/', outcome: 'stored', attempts: 1 }];
}

function deferred(index: number, more: Partial<DeferredRow>): [number, DeferredRow] {
  return [index, { row: 'deferred', index, line: index + 1, attempts: 1, ...more }];
}

describe('foldItems', () => {
  it('takes what has an outcome out of what is left', () => {
    const folded = foldItems([left(0), left(1)], fold({ outcomes: new Map([stored(0)]) }));

    expect(folded.outcomes.map(({ index }) => index)).toEqual([0]);
    expect(folded.left.map(({ index }) => index)).toEqual([1]);
  });

  it('leaves an item that no row speaks of as it was', () => {
    const item = left(3, { attempts: 2, bytes: 7 });

    expect(foldItems([item], fold()).left).toEqual([item]);
  });

  it('takes attempts and time over from a deferral, and parks the host that asked for it', () => {
    const rows = new Map([deferred(0, { attempts: 3, notBefore: 5_000, host: 'a.example', since: 1 })]);

    const folded = foldItems([left(0), left(1)], fold({ deferred: rows }));

    expect(folded.left[0]).toMatchObject({ attempts: 3, notBefore: 5_000, since: 1 });
    expect(folded.parked).toEqual(new Map([['a.example', 5_000]]));
  });

  it('parks the host that asked for it, which behind a redirect is not that of the item', () => {
    const rows = new Map([deferred(0, { notBefore: 5_000, host: 'final.example' })]);

    const folded = foldItems([left(0), left(1)], fold({ deferred: rows }));

    expect(folded.parked).toEqual(new Map([['final.example', 5_000]]));
    expect(folded.left.map(({ behind }) => behind)).toEqual(['final.example', undefined]);
  });

  it('L01: counts a worker that died against every item it left, and halves their shard from the second time on', () => {
    const items = [left(0), left(1), left(2), left(3)];

    const once = foldItems(items, fold({ crashed: true })).left;
    const twice = foldItems(once, fold({ crashed: true })).left;

    expect(once.map(({ crashes, most }) => [crashes, most])).toEqual(Array.from({ length: 4 }, () => [1, undefined]));
    expect(twice.map(({ crashes, most }) => [crashes, most])).toEqual(Array.from({ length: 4 }, () => [2, 2]));
  });

  it('fails an item as WorkerCrashed only when it was alone with the worker that died', () => {
    const poison = left(0, { crashes: 2, most: 1 });

    expect(foldItems([poison, left(1, { crashes: 2 })], fold({ crashed: true })).outcomes).toEqual([]);
    expect(foldItems([poison], fold({ crashed: true })).outcomes).toMatchObject([
      { index: 0, outcome: 'failed', error: 'WorkerCrashed' },
    ]);
  });

  it('L06: parks the hosts of an attempt that may live still until it cannot', () => {
    const folded = foldItems([left(0)], fold({ busyUntil: 9_000 }));

    expect(folded.parked).toEqual(new Map([['a.example', 9_000]]));
  });
});
