import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { LedgerRow } from '../../lib/contract/ledger-row.ts';
import { readShardLedger } from '../../lib/ledger/read-ledger.ts';
import { crc32 } from '../../lib/store/crc32.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';

async function outcomesInLedger(rig: Rig): Promise<LedgerRow[]> {
  const attempts = await readShardLedger(rig.context().state, 'r', { round: 0, shard: 0 });
  return attempts.flatMap(({ rows }) => rows.filter(({ row }) => row === 'outcome'));
}

/** The first answer is of version 1 and ends late, the second one of version 2 and ends at once. */
function changesWhileRead(rig: Rig): void {
  rig.origin.on('/f', [
    { headers: { ETag: '"v1"' }, body: 'version 1', stall: { afterBytes: 4, forMs: 1_500 } },
    { headers: { ETag: '"v2"' }, body: 'version 2' },
  ]);
}

describe('an attempt that loses the race for its key', () => {
  it('S15, L07: adopts what another attempt of its own run stored, although it read another version', async ({
    rig,
  }) => {
    changesWhileRead(rig);
    const plan = await rig.plan(listOf(rig, ['/f']));

    const slow = rig.transfer(plan, rig.context());
    await rig.until(async () => rig.origin.requests.length === 1);
    await rig.transfer(plan, rig.context());
    await slow;

    const [one, other] = await outcomesInLedger(rig);
    expect(one).toMatchObject({ outcome: 'stored', sourceEtag: '"v2"' });
    expect(other).toMatchObject({ outcome: 'stored', sourceEtag: '"v2"' });
    expect(other).toHaveProperty('crc32', one?.row === 'outcome' ? one.crc32 : '');
    expect(await readFile(join(rig.root, 'f'), 'utf8')).toBe('version 2');
  });

  it('S15, L07: does so, too, where the object is what a transform made', async ({ rig }) => {
    changesWhileRead(rig);
    const plan = await rig.plan(listOf(rig, ['/f'], {}, { transform: ['lines'] }));

    const slow = rig.transfer(plan, rig.context());
    await rig.until(async () => rig.origin.requests.length === 1);
    await rig.transfer(plan, rig.context());
    await slow;

    const outcomes = await outcomesInLedger(rig);
    expect(outcomes.map((row) => row.row === 'outcome' && [row.outcome, row.sourceEtag])).toEqual([
      ['stored', '"v2"'],
      ['stored', '"v2"'],
    ]);
    expect(await readFile(join(rig.root, 'f'), 'utf8')).toBe('version 2\n');
  });

  it('S15: fails where somebody else wrote the object', async ({ rig }) => {
    changesWhileRead(rig);
    const plan = await rig.plan(listOf(rig, ['/f']));

    const slow = rig.transfer(plan, rig.context());
    await rig.until(async () => rig.origin.requests.length === 1);
    const bytes = Buffer.from('foreign');
    await openLocalStore(rig.root).put('f', bytes, { condition: { kind: 'absent' }, crc32: crc32(bytes) });
    await slow;

    expect(await outcomesInLedger(rig)).toMatchObject([{ outcome: 'failed', error: 'CommitConflict' }]);
    expect(await readFile(join(rig.root, 'f'), 'utf8')).toBe('foreign');
  });
});
