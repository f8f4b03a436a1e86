import { MiB } from '../contract/limits.ts';
import type { LaneGroup } from './lane-groups.ts';
import { Loads } from './loads.ts';
import type { Piece } from './pieces.ts';

/** What the layout needs to know of a piece. */
type Weighed = Pick<Piece, 'host' | 'bytes' | 'most'>;

/**
 * Items → lanes → shards: pure and deterministic. Every item is in exactly one lane, every lane in exactly one shard, and
 * a host has at most as many lanes as it may have connections: that alone keeps a run polite, however many workers run.
 */
export interface LayoutLimits {
  readonly perHostConnections: number;
  /** Which lanes the items of a host go into. @default a group for each host, of `perHostConnections` lanes */
  readonly groupOf?: (host: string) => LaneGroup;
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

/** What an item of unknown size is taken for, and what each costs beside its bytes, in bytes. */
const UNKNOWN_BYTES = MiB;
const OVERHEAD_BYTES = 256 * 1024;
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
const SHARD_WEIGHT = 1_000 * (UNKNOWN_BYTES + OVERHEAD_BYTES);
/** The same of large files, whose bytes take the time: half a minute of a Lambda's network. */
const LARGE_SHARD_WEIGHT = 384 * MiB;
/** Of a Lambda of 1 GiB, the stack's usual one. */
export const DEFAULT_SLOTS = 54;

interface Lane {
  readonly items: number[];
  weight: number;
}

/** Items may be left out (a host's connections are taken): they stay in what is left for the next round. */
export function layOut(items: readonly Weighed[], limits: LayoutLimits): Layout {
  const shared: Lane[] = [];
  const confined: Lane[] = [];
  const laneWeight = fairShare(items, limits);
  for (const { positions, connections } of byGroup(items, limits)) {
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

interface Group {
  readonly connections: number;
  readonly positions: number[];
}

function byGroup(items: readonly Weighed[], { perHostConnections, groupOf }: LayoutLimits): Iterable<Group> {
  const groups = new Map<string, Group>();
  items.forEach(({ host }, position) => {
    const { key, connections } = groupOf?.(host) ?? { key: host, connections: perHostConnections };
    const found = groups.get(key);
    if (found) found.positions.push(position);
    else groups.set(key, { connections, positions: [position] });
  });
  return groups.values();
}

interface LaneLimits {
  readonly connections: number;
  readonly laneWeight: number;
}

function lanesOf(positions: readonly number[], items: readonly Weighed[], { connections, laneWeight }: LaneLimits) {
  const at = (position: number) => items[position] as Weighed;
  const isConfined = (position: number) => at(position).most !== undefined;
  const others = positions.filter((position) => !isConfined(position));
  const confined = confine(positions.filter(isConfined), at).slice(
    0,
    Math.max(1, connections - Math.sign(others.length)),
  );
  const weight = others.reduce((sum, position) => sum + weightOf(at(position)), 0);
  const worthwhile = Math.max(1, Math.ceil(weight / laneWeight));
  return { confined, shared: deal(others, Math.min(connections - confined.length, others.length, worthwhile), at) };
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
  const loads = new Loads(count);
  const dealt = heavyFirst(positions, (one) => weightOf(at(one)));
  for (const position of dealt) {
    const weight = weightOf(at(position));
    const lightest = lanes[loads.put(weight)] as Lane;
    lightest.items.push(position);
    lightest.weight += weight;
  }
  if (dealt !== positions) for (const lane of lanes) lane.items.sort((a, b) => a - b);
  return lanes;
}

/** Of equal ones the first; the sort is stable, and left out where nothing is known of any size. */
function heavyFirst<T>(given: readonly T[], weight: (one: T) => number): readonly T[] {
  const [first] = given;
  if (first === undefined || given.every((one) => weight(one) === weight(first))) return given;
  return [...given].sort((a, b) => weight(b) - weight(a));
}

function weightOf(item: Weighed): number {
  return (item.bytes ?? UNKNOWN_BYTES) + OVERHEAD_BYTES;
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
  for (const lane of heavyFirst(lanes, (one) => one.weight)) {
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
  for (const lane of heavyFirst(lanes, ({ weight }) => weight)) shards[loads.put(lane.weight)]?.push(lane.items);
  return shards;
}
