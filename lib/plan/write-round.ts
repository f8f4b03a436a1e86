import type { Shard } from '../contract/machine.ts';
import type { ItemWork, Listed, ShardHeader } from '../contract/work.ts';
import { encodeLine, getLineTexts, putJson, putLines, putText } from '../ledger/json-lines.ts';
import { chunkOf, runKeys } from '../ledger/run-keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Layout } from './lay-out.ts';
import type { Piece } from './pieces.ts';
import type { RoundPlan } from './round-plan.ts';

/** Items whose lines are held at once, of all shards that are being written: some 40 MB. */
const MAX_WAITING = 150_000;

/**
 * Writes a round as Transfer reads it: a sealed object of work per shard, then who is where, and last `shards.json`, the
 * Map's items, without which the round was never laid out.
 */
export async function writeRound(
  store: ObjectStore,
  header: Omit<ShardHeader, 'kind' | 'shard' | 'shards' | 'shares' | 'bytesPerSecond' | 'limits'>,
  { pieces: ready, layout, shares, bytesPerSecond }: Pick<RoundPlan, 'pieces' | 'layout' | 'shares' | 'bytesPerSecond'>,
  limits?: ShardHeader['limits'],
): Promise<Shard[]> {
  const keys = runKeys(header.run);
  const shards: Shard[] = layout.shards.map((lanes, shard) => ({
    shard,
    lanes: lanes.length,
    items: lanes.reduce((sum, lane) => sum + lane.length, 0),
  }));
  const headerOf = (shard: number): ShardHeader => ({
    kind: 'shard',
    ...header,
    shard,
    shards: shards.length,
    ...(shares && { shares: [...(shares[shard] ?? [])] }),
    ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    ...(limits && { limits }),
  });
  const read = (positions: readonly number[]) => readListed(store, header.run, positions, ready);
  const lineOf = (position: number, lane: number, items: ReadonlyMap<number, string>) =>
    work(ready[position], items, lane);
  for (const group of inGroups(shards)) {
    const lanesOf = ({ shard }: Shard) => layout.shards[shard] ?? [];
    const isLarge = group.length === 1 && (group[0]?.items ?? 0) > MAX_WAITING;
    const items = isLarge ? new Map<number, string>() : await read(group.flatMap((one) => lanesOf(one).flat()));
    for (const one of group) {
      const key = keys.shard({ round: header.round, shard: one.shard });
      const first = encodeLine(headerOf(one.shard));
      if (isLarge) await putLines(store, key, inSteps(first, lanesOf(one), read, lineOf), SEALED);
      else {
        const lines = lanesOf(one).flatMap((lane, number) => lane.map((position) => lineOf(position, number, items)));
        await putText(store, key, first + lines.join(''), SEALED);
      }
    }
  }
  const any = { condition: { kind: 'any' } } as const;
  await putLines(store, keys.members(header.round), memberLines(layout, ready), any);
  await putJson(store, keys.shards(header.round), shards, any);
  return shards;
}

const SEALED = { condition: { kind: 'any' }, sealed: true, contentType: 'application/x-ndjson' } as const;

/** A shard too long to be held: a lone host has few lanes, however long its list. */
async function* inSteps(
  first: string,
  lanes: Layout['shards'][number],
  read: (positions: readonly number[]) => Promise<ReadonlyMap<number, string>>,
  lineOf: (position: number, lane: number, items: ReadonlyMap<number, string>) => string,
): AsyncIterable<string> {
  yield first;
  for (const [number, lane] of lanes.entries()) {
    for (let from = 0; from < lane.length; from += MAX_WAITING) {
      const step = lane.slice(from, from + MAX_WAITING);
      const items = await read(step);
      for (const position of step) yield lineOf(position, number, items);
    }
  }
}

/** Consecutive shards whose work fits into memory together. */
function inGroups(shards: readonly Shard[]): Shard[][] {
  const groups: Shard[][] = [];
  let room = 0;
  for (const shard of shards) {
    if (shard.items > room || groups.length === 0) {
      groups.push([]);
      room = MAX_WAITING;
    }
    groups.at(-1)?.push(shard);
    room -= shard.items;
  }
  return groups;
}

/** The items at these positions by their index, as they stand in the chunks of the list: a million of them is not parsed for this. */
async function readListed(
  store: ObjectStore,
  run: string,
  positions: readonly number[],
  ready: readonly Piece[],
): Promise<Map<number, string>> {
  const wanted = new Set<number>();
  for (const position of positions) wanted.add(ready[position]?.left.index ?? -1);
  const found = new Map<number, string>();
  for (const chunk of new Set(Array.from(wanted, chunkOf))) {
    const isWanted = (bytes: Buffer, start: number) => wanted.has(indexAt(bytes, start));
    for await (const text of getLineTexts(store, runKeys(run).items(chunk), isWanted)) {
      const index = Number.parseInt(text.slice(INDEX_FIELD.length, INDEX_FIELD.length + MOST_DIGITS), 10);
      if (wanted.has(index)) found.set(index, text);
    }
  }
  return found;
}

/** The first field of a listed item (read-list.ts). */
const INDEX_FIELD = '{"index":';
const MOST_DIGITS = 16;

/** Most lines of a chunk are of other shards: they are passed over without being made a string. */
function indexAt(bytes: Buffer, start: number): number {
  let index = 0;
  for (let at = start + INDEX_FIELD.length; ; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return index;
    index = index * 10 + digit;
  }
}

/** A line of work: the listed item, and where it stands behind it. */
function work(piece: Piece | undefined, items: ReadonlyMap<number, string>, lane: number): string {
  const left = piece?.left;
  const found = left && items.get(left.index);
  if (!found) throw new Error(`item ${left?.index} is left but stands in no chunk of the list`);
  const { open, restarts, whole, resumes, since, copyOf } = left;
  const state: Omit<ItemWork, keyof Listed> = {
    kind: piece.parts ? 'range' : 'item',
    ...(piece.parts && { parts: piece.parts }),
    lane,
    attempts: left.attempts,
    ...(since !== undefined && { since }),
    ...(left.alone && { alone: true }),
    ...(piece.probe && { probe: true }),
    ...(copyOf && { copyOf }),
    ...(open && { open }),
    ...(restarts !== undefined && { restarts }),
    ...(whole && { whole }),
    ...(resumes !== undefined && { resumes }),
  };
  return `${found.slice(0, -1)},${encodeLine(state).slice(1)}`;
}

function* memberLines(layout: Layout, ready: readonly Piece[]): Iterable<string> {
  for (const [shard, lanes] of layout.shards.entries()) {
    yield encodeLine({ shard, items: lanes.flat().map((position) => ready[position]?.left.index) });
  }
}
