import { MiB } from '../contract/limits.ts';
import type { Shard } from '../contract/machine.ts';
import { type ItemWork, type Listed, listed, type ShardHeader } from '../contract/work.ts';
import { encodeLine, getLines, putJson, putLines, putText } from '../ledger/json-lines.ts';
import { chunkOf, runKeys } from '../ledger/run-keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Layout } from './lay-out.ts';
import type { Piece } from './pieces.ts';

/** Work lines that wait for their shard to be written; a round with more goes over the list more than once. */
const MAX_WAITING_CHARACTERS = 64 * MiB;
/** What an item takes as a line of work, when nothing better is known. */
const TYPICAL_CHARACTERS = 400;

/**
 * Writes a round as Transfer reads it: a sealed object of work per shard, then who is where, and last `shards.json`, the
 * Map's items, without which the round was never laid out.
 */
export async function writeRound(
  store: ObjectStore,
  header: Omit<ShardHeader, 'kind' | 'shard' | 'shards'>,
  ready: readonly Piece[],
  layout: Layout,
): Promise<Shard[]> {
  const keys = runKeys(header.run);
  const shards: Shard[] = layout.shards.map((lanes, shard) => ({
    shard,
    lanes: lanes.length,
    items: lanes.reduce((sum, lane) => sum + lane.length, 0),
  }));
  for (const group of inGroups(shards)) {
    const items = await readListed(store, header.run, group, layout, ready);
    for (const { shard } of group) {
      const lanes = layout.shards[shard] ?? [];
      const first: ShardHeader = { kind: 'shard', ...header, shard, shards: shards.length };
      const lines = lanes.flatMap((lane, number) => lane.map((position) => work(ready[position], items, number)));
      const text = [first, ...lines].map(encodeLine).join('');
      await putText(store, keys.shard({ round: header.round, shard }), text, {
        condition: { kind: 'any' },
        sealed: true,
        contentType: 'application/x-ndjson',
      });
    }
  }
  const any = { condition: { kind: 'any' } } as const;
  await putLines(store, keys.members(header.round), memberLines(layout, ready), any);
  await putJson(store, keys.shards(header.round), shards, any);
  return shards;
}

/** Consecutive shards whose work fits into memory together. */
function inGroups(shards: readonly Shard[]): Shard[][] {
  const groups: Shard[][] = [];
  let room = 0;
  for (const shard of shards) {
    const wanted = shard.items * TYPICAL_CHARACTERS;
    if (wanted > room || groups.length === 0) {
      groups.push([]);
      room = MAX_WAITING_CHARACTERS;
    }
    groups.at(-1)?.push(shard);
    room -= wanted;
  }
  return groups;
}

async function readListed(
  store: ObjectStore,
  run: string,
  group: readonly Shard[],
  layout: Layout,
  ready: readonly Piece[],
): Promise<Map<number, Listed>> {
  const wanted = new Set<number>();
  for (const { shard } of group) {
    for (const lane of layout.shards[shard] ?? [])
      for (const position of lane) wanted.add(ready[position]?.left.index ?? -1);
  }
  const found = new Map<number, Listed>();
  for (const chunk of new Set(Array.from(wanted, chunkOf))) {
    for await (const line of getLines(store, runKeys(run).items(chunk))) {
      const index = (line as { index: number }).index;
      if (wanted.has(index)) found.set(index, listed.parse(line));
    }
  }
  return found;
}

function work(piece: Piece | undefined, items: ReadonlyMap<number, Listed>, lane: number): ItemWork {
  const left = piece?.left;
  const found = left && items.get(left.index);
  if (!found) throw new Error(`item ${left?.index} is left but stands in no chunk of the list`);
  const { open, restarts, whole, resumes, since } = left;
  return {
    ...found,
    kind: piece.parts ? 'range' : 'item',
    ...(piece.parts && { parts: piece.parts }),
    lane,
    attempts: left.attempts,
    ...(since !== undefined && { since }),
    ...(left.alone && { alone: true }),
    ...(open && { open }),
    ...(restarts !== undefined && { restarts }),
    ...(whole && { whole }),
    ...(resumes !== undefined && { resumes }),
  };
}

function* memberLines(layout: Layout, ready: readonly Piece[]): Iterable<string> {
  for (const [shard, lanes] of layout.shards.entries()) {
    yield encodeLine({ shard, items: lanes.flat().map((position) => ready[position]?.left.index) });
  }
}
