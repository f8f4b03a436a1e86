import { MiB } from '../contract/limits.ts';
import { type HostLanes, type Lane, lanesOf, piecesByGroup, type Weighed, weightOf } from './lanes.ts';
import { Loads } from './loads.ts';

/**
 * Items → lanes → shards: pure and deterministic. Every item is in exactly one lane, every lane in exactly one shard, and
 * a host has at most as many lanes as it may have connections: that alone keeps a run polite, however many workers run.
 */
export interface LayoutLimits extends HostLanes {
  /** Lanes that one worker takes side by side. @default 54 */
  readonly slots?: number;
  readonly maxShards: number;
  /** Workers that may run at once: a short list is spread over them, since nobody gains from idle ones. */
  readonly workers: number;
}

export interface Layout {
  /** Shards, each a list of lanes, each a list of positions in the given items. */
  readonly shards: readonly (readonly (readonly number[])[])[];
}

/** Fewer are not worth an invocation of their own. */
const LEAST_ITEMS = 4;
/** The same of the lanes of small files. */
const LEAST_LANES = 4;
/** A worker that is paid for waiting waits for so many lanes at least, where there are as many. */
const LEAST_LANES_TOGETHER = 16;
/** Of an item, overhead included: from here on it is its bytes that take the time. */
const LARGE_WEIGHT = 16 * MiB;
/**
 * About what one invocation should get of a long list: a thousand files of unknown size, more of those that are known to be
 * small. With fewer, orchestration and start-up would cost more than the transfer (plan-cost.ts).
 */
const SHARD_WEIGHT = 1_000 * weightOf({});
/** The same of large files, whose bytes take the time: half a minute of a Lambda's network. */
const LARGE_SHARD_WEIGHT = 384 * MiB;
/** Of a Lambda of 1 GiB, the stack's usual one. */
export const DEFAULT_SLOTS = 54;

/** Items may be left out (a host's connections are taken): they stay in what is left for the next round. */
export function layOut(items: readonly Weighed[], limits: LayoutLimits): Layout {
  const shared: Lane[] = [];
  const confined: Lane[] = [];
  const laneWeight = fairShare(items, limits);
  for (const { positions, connections } of piecesByGroup(items, limits)) {
    const lanes = lanesOf(positions, items, { connections, laneWeight });
    for (const lane of lanes.shared) shared.push(lane);
    for (const lane of lanes.confined) confined.push(lane);
  }
  const apart = confined.slice(0, limits.maxShards - (shared.length > 0 ? 1 : 0));
  const room = limits.maxShards - apart.length;
  return {
    shards: [...shardsOf(shared, room, limits), ...apart.map((lane) => [lane.items])],
  };
}

/**
 * What each of all the lanes that can be at work at once would have of the whole. A list of very many hosts is not cut finer:
 * more lanes would make nobody quicker, and each of them begins with a connection of its own.
 */
function fairShare(items: readonly Weighed[], { workers, slots = DEFAULT_SLOTS }: LayoutLimits): number {
  return items.reduce((sum, item) => sum + weightOf(item), 0) / (workers * slots);
}

/** Of equal ones the first: the sort is stable. */
function heavyFirst(given: readonly Lane[]): readonly Lane[] {
  const [first] = given;
  if (first === undefined || given.every(({ weight }) => weight === first.weight)) return given;
  return [...given].sort((a, b) => b.weight - a.weight);
}

/**
 * Large files share a worker with few others, since its network is what they wait for. Small ones wait for their hosts: a
 * worker with few lanes would be paid for waiting, so they share one with as many as it takes.
 */
function shardCount(lanes: readonly Lane[], room: number, { workers, slots = DEFAULT_SLOTS }: LayoutLimits): number {
  const weight = lanes.reduce((sum, lane) => sum + lane.weight, 0);
  const items = lanes.reduce((sum, lane) => sum + lane.items.length, 0);
  const isSmall = weight < items * LARGE_WEIGHT;
  const byWork = Math.ceil(weight / (isSmall ? SHARD_WEIGHT : LARGE_SHARD_WEIGHT));
  const wanted = isSmall ? Math.min(byWork, Math.ceil(lanes.length / slots)) : byWork;
  const mostSpread = isSmall ? Math.ceil(lanes.length / LEAST_LANES) : lanes.length;
  const spread = Math.min(workers, Math.ceil(items / LEAST_ITEMS), mostSpread);
  // A few more than run at once would make everybody wait for a second turn.
  const count = wanted < 2 * workers ? Math.min(wanted, workers) : wanted;
  return Math.min(lanes.length, room, Math.max(spread, count));
}

/** On one machine all shards are at work at once, and nobody is paid for. */
function shardsOf(lanes: readonly Lane[], room: number, limits: LayoutLimits): number[][][] {
  const weight = lanes.reduce((sum, lane) => sum + lane.weight, 0);
  const items = lanes.reduce((sum, lane) => sum + lane.items.length, 0);
  const isSmall = weight < items * LARGE_WEIGHT;
  const filled = isSmall && limits.maxShards > limits.workers ? fill(lanes, weight, limits) : [];
  if (filled.length > 0 && filled.length <= room) return filled;
  return pack(lanes, shardCount(lanes, room, limits));
}

/**
 * Lanes of a shard run side by side, so it lasts as long as its longest one, and its worker is paid for until then. Long
 * ones share a shard, and short ones fill one that soon is done. The long ones come first: so does the Map.
 */
function fill(lanes: readonly Lane[], weight: number, { workers, slots = DEFAULT_SLOTS }: LayoutLimits): number[][][] {
  const leastLanes = Math.min(slots, Math.max(LEAST_LANES_TOGETHER, Math.ceil(lanes.length / workers)));
  const leastWeight = Math.min(SHARD_WEIGHT, weight / workers);
  const shards: number[][][] = [];
  let filled = 0;
  const isFull = (shard: readonly number[][]) => shard.length >= leastLanes && filled >= leastWeight;
  for (const lane of heavyFirst(lanes)) {
    const last = shards.at(-1);
    if (last && !isFull(last)) {
      last.push(lane.items);
      filled += lane.weight;
    } else {
      shards.push([lane.items]);
      filled = lane.weight;
    }
  }
  const [rest, before] = [shards.at(-1), shards.at(-2)];
  // The shortest lanes: with those before them they are done as soon, and one invocation less is paid for.
  if (rest && before && !isFull(rest)) before.push(...(shards.pop() ?? []));
  return shards;
}

/** Heavy lanes first, each to the lightest shard. */
function pack(lanes: readonly Lane[], count: number): number[][][] {
  const shards: number[][][] = Array.from({ length: count }, () => []);
  const loads = new Loads(count);
  for (const lane of heavyFirst(lanes)) shards[loads.put(lane.weight)]?.push(lane.items);
  return shards;
}
