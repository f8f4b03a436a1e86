import type { LaneGroup } from './lane-groups.ts';
import type { Piece } from './pieces.ts';

/**
 * How a round goes to hosts that refused when they were asked last: pure. One lane goes there, and its first item is the
 * probe: when it is refused again, nobody of this lane asks any more, else the lane simply goes on. Most of a long list
 * stays out of such a round: it would be written down round after round and not be asked for. To a host behind redirects
 * goes one item alone, since the host in front of it may have many lanes.
 *
 * Which item comes first changes from refusal to refusal. First the one with the fewest attempts: others may have been
 * refused for their own sake. Next time the one with the most, since some sources refuse every file some times before they
 * serve it, and would never be asked for any of them often enough; but no line's last attempt is spent on a probe.
 */
export interface Troubled {
  has(host: string): boolean;
}

/** So often each has refused in a row. */
export type Refusals = ReadonlyMap<string, number>;

const MAX_BEHIND_PROBE = 100;

/** @param maxAttempts of an item */
export function withProbes(pieces: readonly Piece[], troubled: Refusals, maxAttempts: number): readonly Piece[] {
  if (troubled.size === 0) return pieces;
  const isProbe = ({ left }: Piece) => troubled.has(left.host) || troubled.has(left.behind ?? '');
  const rankOf = ({ left }: Piece) => {
    const refusals = troubled.get(left.host) ?? troubled.get(left.behind ?? '') ?? 0;
    const isMostFirst = refusals % 2 === 0 && left.attempts < maxAttempts - 1;
    return isMostFirst ? -left.attempts : left.attempts;
  };
  const counts = new Map<string, number>();
  const probes = pieces
    .filter(isProbe)
    .sort((a, b) => rankOf(a) - rankOf(b))
    .filter(({ left: { host, behind = '' } }) => {
      const isBehind = !troubled.has(host);
      const refusing = isBehind ? behind : host;
      const count = (counts.get(refusing) ?? 0) + 1;
      counts.set(refusing, count);
      return isBehind ? count === 1 : count <= MAX_BEHIND_PROBE;
    })
    .map(({ left, host, bytes, most, parts }): Piece => ({ left, host, bytes, most, parts, probe: true }));
  return [...pieces.filter((piece) => !isProbe(piece)), ...probes];
}

export function oneLaneToTroubled(groupOf: (host: string) => LaneGroup, troubled: Troubled) {
  return (host: string): LaneGroup => (troubled.has(host) ? { ...groupOf(host), connections: 1 } : groupOf(host));
}
