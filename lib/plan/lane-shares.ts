import type { LaneShare } from '../contract/work.ts';
import type { LaneGroups } from './lane-groups.ts';
import type { Layout } from './lay-out.ts';
import type { Piece } from './pieces.ts';

/** Numbers the lanes of every group over the whole round, shard by shard: pure. What a lane may do to a host is its share of it. */
export function laneShares(layout: Layout, pieces: readonly Piece[], groups: LaneGroups): readonly LaneShare[][] {
  const hostOf = (position: number | undefined) => pieces[position ?? -1]?.left.host ?? '';
  const counts = new Map<string, number>();
  const numbered = layout.shards.map((lanes) =>
    lanes.map((positions) => {
      const { key } = groups.groupOf(hostOf(positions[0]));
      const number = counts.get(key) ?? 0;
      counts.set(key, number + 1);
      const hosts = new Set(positions.map(hostOf));
      const leads = new Set(Array.from(hosts).flatMap((host) => groups.leadsOf(host)));
      return { key, number, leads: Array.from(leads).filter((host) => !hosts.has(host)) };
    }),
  );
  return numbered.map((lanes) =>
    lanes.map(({ key, number, leads }) => ({
      number,
      of: counts.get(key) ?? 1,
      ...(leads.length > 0 && { leads }),
    })),
  );
}
