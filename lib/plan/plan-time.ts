import type { HostLimits } from '../contract/host-limits.ts';
import { BYTES_PER_SECOND, ITEM_MS, START_MS } from './plan-cost.ts';
import type { RoundPlan } from './round-plan.ts';

/**
 * How long a round takes if every source answers at once: pure, and an estimate. A lane takes one item after the other, no
 * faster than its share of the host's rate; a shard lasts as long as its longest lane, or as its bytes.
 */
export interface PlannedTime {
  readonly seconds: number;
  /** Whose lanes are the longest, where nothing else takes as long. */
  readonly host?: string;
}

type Timed = Pick<RoundPlan, 'pieces' | 'layout' | 'shares' | 'bytesPerSecond'>;

/** Of each shard, the start of its worker not counted. */
export function shardTimes(plan: Timed, limits: HostLimits): PlannedTime[] {
  const { pieces, layout, shares, bytesPerSecond = Number.POSITIVE_INFINITY } = plan;
  const speed = Math.min(BYTES_PER_SECOND, bytesPerSecond);
  return layout.shards.map((lanes, shard) => {
    let longest: PlannedTime = { seconds: 0 };
    let bytes = 0;
    for (const [number, positions] of lanes.entries()) {
      const counts = new Map<string, number>();
      for (const position of positions) {
        const piece = pieces[position];
        if (!piece) continue;
        counts.set(piece.host, (counts.get(piece.host) ?? 0) + 1);
        bytes += piece.bytes ?? 0;
      }
      const lane = laneTime(counts, shares?.[shard]?.[number]?.of ?? 1, limits);
      if (lane.seconds > longest.seconds) longest = lane;
    }
    return longest.seconds >= bytes / speed ? longest : { seconds: bytes / speed };
  });
}

/** `lanes`: those that share the rates of these hosts, this one included. */
function laneTime(counts: ReadonlyMap<string, number>, lanes: number, limits: HostLimits): PlannedTime {
  let seconds = 0;
  let host: { readonly name: string; readonly seconds: number } | undefined;
  for (const [name, count] of counts) {
    const rate = limits.rateOf(name);
    const paced = rate ? (Math.max(0, count - (rate.burst ?? 1) / lanes) * lanes) / rate.perSecond : 0;
    const taken = Math.max(paced, (count * ITEM_MS) / 1_000);
    seconds += taken;
    if (taken > (host?.seconds ?? 0)) host = { name, seconds: taken };
  }
  return { seconds, ...(host && { host: host.name }) };
}

/** `workers`: how many shards are at work at once. */
export function planTime(plan: Timed, limits: HostLimits, workers: number): PlannedTime {
  const times = shardTimes(plan, limits);
  const work = times.reduce((sum, { seconds }) => sum + seconds, 0) / Math.max(1, Math.min(workers, times.length));
  const longest = times.reduce<PlannedTime>((most, time) => (time.seconds > most.seconds ? time : most), {
    seconds: 0,
  });
  const start = times.length === 0 ? 0 : START_MS / 1_000;
  return work > longest.seconds ? { seconds: work + start } : { ...longest, seconds: longest.seconds + start };
}
