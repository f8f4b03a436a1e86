import { type LedgerRow, ledgerRow } from '../contract/ledger-row.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { AttemptRows } from './fold-shard.ts';
import { getLines } from './json-lines.ts';
import { partsOfLedgerKey, runKeys, type ShardAddress } from './run-keys.ts';

export interface ShardRows {
  readonly shard: number;
  readonly attempts: readonly AttemptRows[];
}

/** All rows of a round, one shard at a time: an item stands in one shard only, so no fold needs more than that. */
export async function* readRoundLedger(store: ObjectStore, run: string, round: number): AsyncIterable<ShardRows> {
  let shard = -1;
  let keys: string[] = [];
  for await (const { key } of store.list(runKeys(run).ledgerPrefix(round))) {
    const parts = partsOfLedgerKey(key);
    if (!parts) continue;
    if (parts.shard !== shard && keys.length > 0) {
      yield { shard, attempts: await readAttempts(store, keys) };
      keys = [];
    }
    shard = parts.shard;
    keys.push(key);
  }
  if (keys.length > 0) yield { shard, attempts: await readAttempts(store, keys) };
}

/** The rows of one shard so far. */
export async function readShardLedger(store: ObjectStore, run: string, address: ShardAddress): Promise<AttemptRows[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(runKeys(run).shardLedgerPrefix(address))) keys.push(key);
  return readAttempts(store, keys);
}

async function readAttempts(store: ObjectStore, keys: readonly string[]): Promise<AttemptRows[]> {
  const attempts = new Map<string, LedgerRow[]>();
  for (const key of keys) {
    const attempt = partsOfLedgerKey(key)?.attempt;
    if (attempt === undefined) continue;
    const rows = attempts.get(attempt) ?? [];
    attempts.set(attempt, rows);
    for await (const line of getLines(store, key)) rows.push(ledgerRow.parse(line));
  }
  return Array.from(attempts, ([attempt, rows]) => ({ attempt, rows }));
}
