import { MAX_SHARDS } from '../../lib/contract/limits.ts';
import { decideNext, type NextStep } from '../../lib/plan/decide-next.ts';
import { layOut } from '../../lib/plan/lay-out.ts';
import { oneLaneToTroubled } from '../../lib/plan/probes.ts';
import type { Left } from '../../lib/plan/status.ts';
import { NONE } from './ledger.ts';
import { cutOpen } from './open-upload.ts';
import type { Range, RunState } from './round.ts';
import type { System } from './system.ts';

/**
 * The planner of the product, called as Plan calls it. Only its inputs are folded together: hosts stand for their items where
 * a list says no sizes, and one item for all that become ready at the same time.
 */
export interface PlannerOptions {
  readonly concurrency: number;
  readonly perHostConnections: number;
  readonly maxHours: number;
}

type Weighed = Parameters<typeof layOut>[0][number];

export interface Ready {
  readonly left: Int32Array;
  readonly ready: readonly Left[];
  readonly troubled: ReadonlySet<string>;
}

/** Lines of a host that refuses which one round takes along, as `withProbes` does. */
const MAX_BEHIND_PROBE = 1_000;

export interface LaidOut {
  readonly troubled: ReadonlySet<string>;
  readonly shards: ReturnType<typeof layOut>['shards'];
  readonly itemAt: (position: number) => number;
  readonly partsAt: (position: number) => Range | undefined;
}

/** When an item may be asked for: its own pause, or its host's. */
function readyAt({ world }: System, { notBefore, hostUntil }: RunState, item: number): number {
  return Math.max(notBefore[item] as number, hostUntil[world.hostOf[item] as number] as number);
}

/** What is left of a list, in its order. */
export function leftOf({ ledger }: System, before: Int32Array): Int32Array {
  return before.filter((item) => ledger.outcomes[item] === NONE);
}

export function next(system: System, state: RunState, items: Int32Array, maxHours: number): NextStep {
  const times = new Set<number>();
  for (const item of items) times.add(readyAt(system, state, item));
  const left = Array.from(
    times,
    (notBefore, index): Left => ({ index, line: 1, host: '', attempts: 0, notBefore, crashes: 0 }),
  );
  return decideNext({ left, now: system.queue.now, startedAt: 0, maxHours });
}

export function layOutRound(
  system: System,
  state: RunState,
  { left, ready, troubled }: Ready,
  options: PlannerOptions,
): LaidOut {
  const { world } = system;
  const { concurrency: workers, perHostConnections } = options;
  const until = ready.reduce((most, { notBefore }) => Math.max(most, notBefore), 0);
  const byHost: Weighed[] = Array.from({ length: world.hosts }, (_, host) => ({
    host: String(host),
    bytes: undefined,
  }));
  const pieces: Weighed[] = [];
  const items: number[] = [];
  const parts = new Map<number, Range>();
  const behind = new Map<number, number>();
  for (const item of left) {
    if (readyAt(system, state, item) > until) continue;
    const host = world.hostOf[item] as number;
    if (troubled.has(String(host))) {
      const count = (behind.get(host) ?? 0) + 1;
      behind.set(host, count);
      if (count > MAX_BEHIND_PROBE) continue;
    }
    const upload = state.uploads.get(item);
    const cut = upload ? cutOpen(item, String(host), upload, perHostConnections) : [byHost[host] as Weighed];
    for (const piece of cut) {
      if ('parts' in piece && piece.parts) parts.set(pieces.length, piece.parts as Range);
      pieces.push(piece);
      items.push(item);
    }
  }
  const groupOf = oneLaneToTroubled((key) => ({ key, connections: perHostConnections }), troubled);
  const { shards } = layOut(pieces, { perHostConnections, groupOf, maxShards: MAX_SHARDS, workers });
  return {
    shards,
    itemAt: (position) => items[position] as number,
    partsAt: (position) => parts.get(position),
    troubled,
  };
}
