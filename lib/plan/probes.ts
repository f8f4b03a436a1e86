import type { LaneGroup } from './lane-groups.ts';
import type { Piece } from './pieces.ts';

/**
 * How a round goes to hosts that refused when they were asked last: pure. One lane goes there, and its first item is the
 * probe: when it is refused again, nobody of this lane asks any more, else the lane simply goes on. The item with the
 * fewest attempts comes first, so that no single line has to bear all probes of its host. Most of a long list stays out of
 * such a round: it would be written down round after round and not be asked for.
 */
export type Troubled = ReadonlySet<string>;

const MAX_BEHIND_PROBE = 100;

export function withProbes(pieces: readonly Piece[], troubled: Troubled): readonly Piece[] {
  if (troubled.size === 0) return pieces;
  const isProbe = ({ left }: Piece) => troubled.has(left.host) || troubled.has(left.behind ?? '');
  const counts = new Map<string, number>();
  const probes = pieces
    .filter(isProbe)
    .sort((a, b) => a.left.attempts - b.left.attempts)
    .filter(({ host }) => {
      const count = (counts.get(host) ?? 0) + 1;
      counts.set(host, count);
      return count <= MAX_BEHIND_PROBE;
    })
    .map(({ left, host, bytes, most, parts }): Piece => ({ left, host, bytes, most, parts, probe: true }));
  return [...pieces.filter((piece) => !isProbe(piece)), ...probes];
}

export function oneLaneToTroubled(groupOf: (host: string) => LaneGroup, troubled: Troubled) {
  return (host: string): LaneGroup => (troubled.has(host) ? { ...groupOf(host), connections: 1 } : groupOf(host));
}
