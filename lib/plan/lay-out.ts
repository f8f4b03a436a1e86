import { MiB } from '../contract/limits.ts';
import type { Piece } from './pieces.ts';

/** What the layout needs to know of a piece. */
type Weighed = Pick<Piece, 'host' | 'bytes' | 'most'>;

/**
 * Items → lanes → shards: pure and deterministic. Every item is in exactly one lane, every lane in exactly one shard, and
 * a host has at most `perHostConnections` lanes: that alone keeps a run polite, however many workers run.
 */
export interface LayoutLimits {
  readonly perHostConnections: number;
  readonly maxShards: number;
  /** Workers that may run at once: a short list is spread over them, since nobody gains from idle ones. */
  readonly workers: number;
}

export interface Layout {
  /** Shards, each a list of lanes, each a list of positions in the given items. */
  readonly shards: readonly (readonly (readonly number[])[])[];
}

/** What an item of unknown size is taken for, and what each costs beside its bytes, in bytes. */
const UNKNOWN_BYTES = MiB;
const OVERHEAD_BYTES = 256 * 1024;
/** Fewer are not worth an invocation of their own. */
const LEAST_ITEMS = 4;
/** About what one invocation should get of a long list: 300 small files, or a few hundred megabytes. */
const SHARD_WEIGHT = 300 * (UNKNOWN_BYTES + OVERHEAD_BYTES);

interface Lane {
  readonly items: number[];
  weight: number;
}

/** Items may be left out (a host's connections are taken): they stay in what is left for the next round. */
export function layOut(items: readonly Weighed[], limits: LayoutLimits): Layout {
  const shared: Lane[] = [];
  const confined: Lane[] = [];
  for (const positions of byHost(items).values()) {
    const lanes = lanesOfHost(positions, items, limits.perHostConnections);
    shared.push(...lanes.shared);
    confined.push(...lanes.confined);
  }
  const apart = confined.slice(0, limits.maxShards - (shared.length > 0 ? 1 : 0));
  const room = limits.maxShards - apart.length;
  return {
    shards: [...pack(shared, shardCount(shared, room, limits)), ...apart.map((lane) => [lane.items])],
  };
}

function byHost(items: readonly Weighed[]): Map<string, number[]> {
  const hosts = new Map<string, number[]>();
  items.forEach(({ host }, position) => {
    const found = hosts.get(host);
    if (found) found.push(position);
    else hosts.set(host, [position]);
  });
  return hosts;
}

function lanesOfHost(positions: readonly number[], items: readonly Weighed[], connections: number) {
  const at = (position: number) => items[position] as Weighed;
  const isConfined = (position: number) => at(position).most !== undefined;
  const others = positions.filter((position) => !isConfined(position));
  const confined = confine(positions.filter(isConfined), at).slice(
    0,
    Math.max(1, connections - Math.sign(others.length)),
  );
  return { confined, shared: deal(others, Math.min(connections - confined.length, others.length), at) };
}

/** Cuts items that crashed their workers into lanes as small as each of them asks for. */
function confine(positions: readonly number[], at: (position: number) => Weighed): Lane[] {
  const lanes: Lane[] = [];
  let room = 0;
  // The most demanding first: what suits the first item of a lane then suits all that follow it.
  for (const position of [...positions].sort((a, b) => most(at(a)) - most(at(b)) || a - b)) {
    if (room === 0) {
      lanes.push({ items: [], weight: 0 });
      room = most(at(position));
    }
    const lane = lanes.at(-1) as Lane;
    lane.items.push(position);
    lane.weight += weightOf(at(position));
    room -= 1;
  }
  return lanes;
}

function most(item: Weighed): number {
  return item.most ?? Number.POSITIVE_INFINITY;
}

/** Large items first, each to the lane that has least so far; within a lane the order of the list. */
function deal(positions: readonly number[], count: number, at: (position: number) => Weighed): Lane[] {
  const lanes: Lane[] = Array.from({ length: count }, () => ({ items: [], weight: 0 }));
  if (count === 0) return lanes;
  const heavyFirst = [...positions].sort((a, b) => weightOf(at(b)) - weightOf(at(a)) || a - b);
  for (const position of heavyFirst) {
    const lightest = lanes.reduce((least, lane) => (lane.weight < least.weight ? lane : least));
    lightest.items.push(position);
    lightest.weight += weightOf(at(position));
  }
  for (const lane of lanes) lane.items.sort((a, b) => a - b);
  return lanes;
}

function weightOf(item: Weighed): number {
  return (item.bytes ?? UNKNOWN_BYTES) + OVERHEAD_BYTES;
}

function shardCount(lanes: readonly Lane[], room: number, limits: LayoutLimits): number {
  const weight = lanes.reduce((sum, lane) => sum + lane.weight, 0);
  const items = lanes.reduce((sum, lane) => sum + lane.items.length, 0);
  const spread = Math.min(limits.workers, Math.ceil(items / LEAST_ITEMS));
  return Math.min(lanes.length, room, Math.max(spread, Math.ceil(weight / SHARD_WEIGHT)));
}

/** Heavy lanes first, each to the lightest shard (a heap would be quicker, but lanes are few beside items). */
function pack(lanes: readonly Lane[], count: number): number[][][] {
  const shards = Array.from({ length: count }, () => ({ lanes: [] as Lane[], weight: 0 }));
  for (const lane of [...lanes].sort((a, b) => b.weight - a.weight)) {
    const lightest = shards.reduce((least, shard) => (shard.weight < least.weight ? shard : least));
    lightest.lanes.push(lane);
    lightest.weight += lane.weight;
  }
  return shards.map((shard) => shard.lanes.map((lane) => lane.items));
}
