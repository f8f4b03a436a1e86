import type { LaneShare } from '../contract/work.ts';
import type { LaneGroups } from './lane-groups.ts';
import type { Layout } from './lay-out.ts';
import type { Piece } from './pieces.ts';

/**
 * Numbers the lanes of every group over the whole round, shard by shard: pure. What a lane may do to a host is its share of
 * it. `withWorkers`: the shards of every group, too.
 */
export function laneShares(
  layout: Layout,
  pieces: readonly Piece[],
  groups: LaneGroups,
  withWorkers = false,
): readonly LaneShare[][] {
  const hostOf = (position: number | undefined) => pieces[position ?? -1]?.left.host ?? '';
  const counts = new Map<string, number>();
  const workers = new Map<string, { count: number; last: number }>();
  const numbered = layout.shards.map((lanes, shard) =>
    lanes.map((positions) => {
      const { key } = groups.groupOf(hostOf(positions[0]));
      const number = counts.get(key) ?? 0;
      counts.set(key, number + 1);
      const known = workers.get(key) ?? { count: 0, last: -1 };
      const count = known.last === shard ? known.count : known.count + 1;
      workers.set(key, { count, last: shard });
      const hosts = new Set(positions.map(hostOf));
      const leads = new Set(Array.from(hosts).flatMap((host) => groups.leadsOf(host)));
      return { key, number, worker: count - 1, leads: Array.from(leads).filter((host) => !hosts.has(host)) };
    }),
  );
  return numbered.map((lanes) =>
    lanes.map(({ key, number, worker, leads }) => ({
      number,
      of: counts.get(key) ?? 1,
      ...(leads.length > 0 && { leads }),
      ...(withWorkers && { worker: { number: worker, of: workers.get(key)?.count ?? 1 } }),
    })),
  );
}
