import { HostLimits } from '../contract/host-limits.ts';
import { GiB, MiB } from '../contract/limits.ts';
import type { Options } from '../contract/options.ts';
import type { LaneShare } from '../contract/work.ts';
import type { Leads } from '../ledger/leads.ts';
import { LaneGroups } from './lane-groups.ts';
import { laneShares } from './lane-shares.ts';
import { DEFAULT_SLOTS, type Layout, layOut } from './lay-out.ts';
import { type Piece, piecesOf } from './pieces.ts';
import { type PlannedCost, planCost } from './plan-cost.ts';
import { shardTimes } from './plan-time.ts';
import { oneLaneToTroubled, type Refusals, withProbes } from './probes.ts';
import type { Left } from './status.ts';

/** A round before anything of it is written. */
export interface RoundPlan {
  readonly pieces: readonly Piece[];
  readonly layout: Layout;
  readonly lanes: number;
  /** By shard and lane, where hosts have rates or may want delays. */
  readonly shares: readonly (readonly LaneShare[])[] | undefined;
  /** Of each shard. */
  readonly bytesPerSecond: number | undefined;
  /** If it ran in Lambda. */
  readonly cost: PlannedCost;
}

export interface RoundFacts {
  readonly options: Options;
  readonly leads: Leads | undefined;
  /** Milliseconds that hosts are known to want between two requests. @default none */
  readonly delays?: ReadonlyMap<string, number> | undefined;
  /** Hosts that refused when they were asked last. @default none */
  readonly troubled?: Refusals | undefined;
  readonly workers: number;
  readonly maxShards: number;
}

/** With less of `maxBytesPerSecond` a worker is not worth its while: fewer of them run. */
const LEAST_BYTES_PER_WORKER = MiB;
/** What the stack gives Transfer unless told otherwise. */
const LAMBDA_BYTES = GiB;

/** Lambdas, or shards of one process, that may be at work at once: pure. */
export function workersFor(concurrency: number, { maxBytesPerSecond }: Pick<Options, 'maxBytesPerSecond'>): number {
  if (maxBytesPerSecond === undefined) return concurrency;
  return Math.max(1, Math.min(concurrency, Math.floor(maxBytesPerSecond / LEAST_BYTES_PER_WORKER)));
}

/** What is ready becomes the shards of a round, with every limit of the run in them: pure. */
export function planRound(ready: readonly Left[], facts: RoundFacts): RoundPlan {
  const { options, leads, delays, troubled = new Map(), workers, maxShards } = facts;
  const limits = new HostLimits(options);
  const groups = new LaneGroups(limits, leads, delays);
  const groupOf = oneLaneToTroubled(groups.groupOf, troubled);
  const pieces = withProbes(
    piecesOf(ready, (host) => groupOf(host).connections),
    troubled,
    options.attempts,
  );
  const { perHostConnections, slots, maxBytesPerSecond, robots: obeys = false } = options;
  const layout = layOut(pieces, { perHostConnections, groupOf, maxShards, workers, ...(slots && { slots }) });
  const shards = layout.shards.length;
  const lanes = layout.shards.reduce((sum, shard) => sum + shard.length, 0);
  const shares = limits.hasRates || obeys ? laneShares(layout, pieces, groups, obeys) : undefined;
  const bytesPerSecond = maxBytesPerSecond && maxBytesPerSecond / Math.max(1, Math.min(workers, shards));
  const isPaced = shares !== undefined || bytesPerSecond !== undefined;
  const times = isPaced ? shardTimes({ pieces, layout, shares, bytesPerSecond }, limits) : [];
  return {
    pieces,
    layout,
    lanes,
    shares,
    bytesPerSecond,
    cost: planCost({
      items: pieces.length,
      bytes: pieces.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
      shards,
      lanes,
      slots: slots ?? DEFAULT_SLOTS,
      memoryBytes: LAMBDA_BYTES,
      leastSeconds: times.reduce((sum, { seconds }) => sum + seconds, 0),
    }),
  };
}
