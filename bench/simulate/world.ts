import { chanceOf, Random } from './random.ts';

/**
 * The list and the hosts behind it, from a seed. Sizes of hosts follow Zipf's law, sizes of files are log-normal, and the
 * lines stand in random order. Everything is one number in a typed array: ten million items take 120 MB.
 */
export interface WorldOptions {
  readonly seed: number;
  readonly items: number;
  readonly hosts: number;
  /** Exponent: the k-th largest host has a share of 1 / k^zipf. */
  readonly zipf: number;
}

export interface World extends WorldOptions {
  readonly hostOf: Int32Array;
  readonly bytesOf: Float64Array;
  readonly itemsOf: Int32Array;
  /** From the request to the first byte, and one connection's pace. */
  readonly latencyMs: Float32Array;
  readonly bytesPerMs: Float32Array;
  /** More connections than that are answered 429; 0: the host takes any number. */
  readonly tolerance: Int32Array;
  /** Requests a second above which it answers 429; 0: it does not count. */
  readonly perSecond: Float32Array;
  readonly retryAfterMs: Int32Array;
  /** Accepts no connection. */
  readonly isDead: Uint8Array;
}

/** About 50 KB in the middle, 370 KB on average, a few of a gigabyte. */
const MEDIAN_BYTES = 50_000;
const SIGMA_BYTES = 2;
/** The largest hosts are delivery networks: nobody there counts requests by the second. */
const LARGE_HOSTS = 100;
const MISSING = 0.02;
const BREAKS_OFF = 0.005;

export function buildWorld(options: WorldOptions): World {
  const { seed, items, hosts, zipf } = options;
  const random = new Random(seed);
  const shares = new Float64Array(hosts);
  let sum = 0;
  for (let host = 0; host < hosts; host += 1) shares[host] = sum += 1 / (host + 1) ** zipf;

  const world: World = {
    ...options,
    hostOf: new Int32Array(items),
    bytesOf: new Float64Array(items),
    itemsOf: new Int32Array(hosts),
    latencyMs: Float32Array.from({ length: hosts }, () => random.logNormal(120, 0.6)),
    bytesPerMs: Float32Array.from({ length: hosts }, () => random.logNormal(4_000, 0.8)),
    tolerance: Int32Array.from({ length: hosts }, () => (random.next() < 0.3 ? Math.round(random.between(8, 30)) : 0)),
    perSecond: Float32Array.from({ length: hosts }, (_, host) =>
      host >= LARGE_HOSTS && random.next() < 0.1 ? random.between(5, 50) : 0,
    ),
    retryAfterMs: Int32Array.from({ length: hosts }, () =>
      Math.round(1_000 * (random.next() < 0.5 ? random.between(1, 20) : random.between(60, 300))),
    ),
    isDead: Uint8Array.from({ length: hosts }, (_, host) => (host >= LARGE_HOSTS && random.next() < 0.01 ? 1 : 0)),
  };
  for (let item = 0; item < items; item += 1) {
    const host = placeOf(shares, random.next() * sum);
    world.hostOf[item] = host;
    world.itemsOf[host] = (world.itemsOf[host] ?? 0) + 1;
    world.bytesOf[item] = Math.ceil(random.logNormal(MEDIAN_BYTES, SIGMA_BYTES));
  }
  return world;
}

/** The first place whose running sum is above x. */
function placeOf(sums: Float64Array, x: number): number {
  let least = 0;
  let most = sums.length - 1;
  while (least < most) {
    const middle = (least + most) >> 1;
    if ((sums[middle] as number) > x) most = middle;
    else least = middle + 1;
  }
  return least;
}

export function isMissing({ seed }: World, item: number): boolean {
  return chanceOf(seed, item, 0) < MISSING;
}

/** Of one attempt. */
export function breaksOff({ seed }: World, item: number, attempt: number): boolean {
  return chanceOf(seed, item, attempt + 1) < BREAKS_OFF;
}
