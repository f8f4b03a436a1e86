import { MiB } from '../contract/limits.ts';
import type { LaneGroup } from './lane-groups.ts';
import { Loads } from './loads.ts';
import type { Piece } from './pieces.ts';

/**
 * Items → lanes: pure and deterministic, and the only place that says how many a host has. What it holds of a million items
 * on the way are numbers, four bytes each.
 */
export interface HostLanes {
  readonly perHostConnections: number;
  /** Which lanes the items of a host go into. @default a group for each host, of `perHostConnections` lanes */
  readonly groupOf?: (host: string) => LaneGroup;
}

/** What the layout needs to know of a piece. */
export type Weighed = Pick<Piece, 'host' | 'bytes' | 'most'>;

export interface Lane {
  /** Positions in the given items. */
  readonly items: number[];
  weight: number;
}

/** What an item of unknown size is taken for, and what each costs beside its bytes, in bytes. */
const UNKNOWN_BYTES = MiB;
const OVERHEAD_BYTES = 256 * 1024;

export function weightOf(item: Pick<Weighed, 'bytes'>): number {
  return (item.bytes ?? UNKNOWN_BYTES) + OVERHEAD_BYTES;
}

interface Group {
  readonly connections: number;
  /** In the order of the list. */
  readonly positions: Uint32Array;
}

/**
 * Of each group its items, as pieces of one array: arrays that grow would take three times as much as the numbers in them.
 * The groups come in the order of their first items.
 */
export function* piecesByGroup(items: readonly Weighed[], hostLanes: HostLanes): Generator<Group> {
  const { numberOf, connectionsOf } = numberGroups(items, hostLanes);
  const counts = new Uint32Array(connectionsOf.length);
  for (const number of numberOf) counts[number] = (counts[number] ?? 0) + 1;
  let end = 0;
  const nexts = counts.map((count) => {
    end += count;
    return end - count;
  });
  const positions = new Uint32Array(items.length);
  numberOf.forEach((number, position) => {
    const next = nexts[number] ?? 0;
    positions[next] = position;
    nexts[number] = next + 1;
  });
  for (const [number, connections] of connectionsOf.entries()) {
    const next = nexts[number] ?? 0;
    yield { connections, positions: positions.subarray(next - (counts[number] ?? 0), next) };
  }
}

/** A number for every group, of every item that of its own, and of every group its connections. */
function numberGroups(items: readonly Weighed[], { perHostConnections, groupOf }: HostLanes) {
  /** By host, and by key, which is the name of one of its hosts. */
  const numbers = new Map<string, number>();
  const connectionsOf: number[] = [];
  const begin = (host: string): number => {
    const { key, connections } = groupOf?.(host) ?? { key: host, connections: perHostConnections };
    const number = numbers.get(key) ?? connectionsOf.push(connections) - 1;
    numbers.set(key, number);
    numbers.set(host, number);
    return number;
  };
  const numberOf = new Uint32Array(items.length);
  items.forEach(({ host }, position) => {
    numberOf[position] = numbers.get(host) ?? begin(host);
  });
  return { numberOf, connectionsOf };
}

interface LaneLimits {
  readonly connections: number;
  readonly laneWeight: number;
}

export function lanesOf(positions: Uint32Array, items: readonly Weighed[], { connections, laneWeight }: LaneLimits) {
  const at = (position: number) => items[position] as Weighed;
  const isConfined = (position: number) => at(position).most !== undefined;
  const hasConfined = positions.some(isConfined);
  const others = hasConfined ? positions.filter((position) => !isConfined(position)) : positions;
  const confined = confine(hasConfined ? [...positions.filter(isConfined)] : [], at).slice(
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
function deal(positions: Uint32Array, count: number, at: (position: number) => Weighed): Lane[] {
  if (count === 0) return [];
  if (count === 1) {
    const items = new Array<number>(positions.length);
    let weight = 0;
    positions.forEach((position, place) => {
      items[place] = position;
      weight += weightOf(at(position));
    });
    return [{ items, weight }];
  }
  const weights = Float64Array.from(positions, (position) => weightOf(at(position)));
  const loads = new Loads(count);
  const laneOf = new Uint32Array(positions.length);
  const sums = Array.from({ length: count }, () => ({ items: 0, weight: 0 }));
  const give = (place: number) => {
    const weight = weights[place] ?? 0;
    const lightest = loads.put(weight);
    laneOf[place] = lightest;
    const sum = sums[lightest] as { items: number; weight: number };
    sum.items += 1;
    sum.weight += weight;
  };
  const places = positions.map((_, place) => place);
  // Left out where nothing is known of any size.
  if (weights.some((weight) => weight !== weights[0])) {
    places.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
  }
  places.forEach(give);
  // Of the length that they come to: what grows takes half as much again.
  const lanes = sums.map(({ items, weight }): Lane => ({ items: new Array<number>(items), weight }));
  const ends = new Uint32Array(count);
  positions.forEach((position, place) => {
    const number = laneOf[place] ?? 0;
    const end = ends[number] ?? 0;
    (lanes[number] as Lane).items[end] = position;
    ends[number] = end + 1;
  });
  return lanes;
}
