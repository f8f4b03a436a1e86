import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerRow } from '../../lib/contract/ledger-row.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { flushIntervalMs, LedgerWriter } from '../../lib/ledger/ledger-writer.ts';
import { readRoundLedger, readShardLedger } from '../../lib/ledger/read-ledger.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { ObjectStore } from '../../lib/store/object-store.ts';

const address = { round: 0, shard: 3, attempt: 'one' };
const row = (index: number): LedgerRow => ({ row: 'deferred', index, line: index + 1, attempts: 1 });
let folder: string;
let store: ObjectStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-ledger-'));
  store = openLocalStore(folder);
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

describe('LedgerWriter', () => {
  it('gives back what was written, attempt by attempt and shard by shard', async () => {
    const one = new LedgerWriter(store, 'r', address, 60_000);
    const two = new LedgerWriter(store, 'r', { ...address, attempt: 'two' }, 60_000);
    const other = new LedgerWriter(store, 'r', { ...address, shard: 4 }, 60_000);
    one.append(row(0));
    await one.flush();
    one.append(row(1));
    two.append(row(2));
    other.append(row(3));
    await Promise.all([one.close(), two.close(), other.close()]);

    const shards: number[] = [];
    for await (const { shard } of readRoundLedger(store, 'r', 0)) shards.push(shard);

    expect(await readShardLedger(store, 'r', address)).toEqual([
      { attempt: 'one', rows: [row(0), row(1)] },
      { attempt: 'two', rows: [row(2)] },
    ]);
    expect(shards).toEqual([3, 4]);
  });

  it('writes nothing for nothing', async () => {
    await new LedgerWriter(store, 'r', address, 60_000).close();

    expect(await readShardLedger(store, 'r', address)).toEqual([]);
  });

  it('L05: never overwrites the rows of another attempt, even of the same name', async () => {
    for (const index of [0, 1]) {
      const writer = new LedgerWriter(store, 'r', address, 60_000);
      writer.append(row(index));
      const closed = writer.close();
      if (index === 0) await closed;
      else await expect(closed).rejects.toMatchObject({ name: 'CommitConflict' });
    }

    expect(await readShardLedger(store, 'r', address)).toEqual([{ attempt: 'one', rows: [row(0)] }]);
  });

  it('keeps the rows of a flush that failed for the next one', async () => {
    let isDown = true;
    const flaky: ObjectStore = Object.assign(Object.create(store), {
      put: (...given: Parameters<ObjectStore['put']>) =>
        isDown ? Promise.reject(new SkyhaulError('StoreUnavailable', 'down')) : store.put(...given),
    });
    const writer = new LedgerWriter(flaky, 'r', address, 60_000);
    writer.append(row(0));
    await expect(writer.flush()).rejects.toMatchObject({ name: 'StoreUnavailable' });
    isDown = false;
    writer.append(row(1));
    await writer.close();

    expect(await readShardLedger(store, 'r', address)).toEqual([{ attempt: 'one', rows: [row(0), row(1)] }]);
  });
});

describe('flushIntervalMs', () => {
  it('keeps a run of any width near 20 ledger PUTs a second', () => {
    expect(flushIntervalMs(1)).toBe(5_000);
    expect(10_000 / (flushIntervalMs(10_000) / 1_000)).toBe(20);
  });
});
