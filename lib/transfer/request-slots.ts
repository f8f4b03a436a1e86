import type { Rate } from '../contract/host-limits.ts';

/**
 * When a lane may ask its host: pure. The instants of a rate of R a second are shared out among the N lanes of the host by
 * the clock: lane k owns every N-th of them, (j·N + k)/R. So the requests of all lanes keep to R, wherever they run and
 * whenever they begin, although none knows of the others. What a lane does not use of its instants it saves, up to its
 * share of the burst; saved ones are used at any time. In any T seconds the lanes together make no more than
 * burst + R·T + 1 requests.
 */
export interface SlotShare {
  readonly rate: Rate;
  readonly number: number;
  readonly of: number;
}

export interface Slots {
  /** Instants of this lane since the epoch that have passed, or are taken. */
  readonly counted: number;
  readonly saved: number;
}

/** `isFresh`: nobody has asked this host in this run, so that the whole burst is saved up. */
export function startSlots(share: SlotShare, nowMs: number, isFresh: boolean): Slots {
  return { counted: instantsUpTo(nowMs, share), saved: isFresh ? mostSaved(share) : 0 };
}

/** The next request: when it may start (epoch milliseconds, not before `nowMs`), and what is left then. */
export function takeSlot(before: Slots, share: SlotShare, nowMs: number): { startAt: number; slots: Slots } {
  const counted = Math.max(before.counted, instantsUpTo(nowMs, share));
  const saved = Math.min(mostSaved(share), before.saved + counted - before.counted);
  if (saved >= 1) return { startAt: nowMs, slots: { counted, saved: saved - 1 } };
  return { startAt: Math.max(nowMs, instant(counted, share)), slots: { counted: counted + 1, saved } };
}

function mostSaved({ rate, of }: SlotShare): number {
  return Math.floor((rate.burst ?? 1) / of);
}

/** Up to and with `ms`. */
function instantsUpTo(ms: number, { rate, number, of }: SlotShare): number {
  return Math.floor(((ms / 1_000) * rate.perSecond - number) / of) + 1;
}

/** The one behind so many, epoch milliseconds. */
function instant(count: number, { rate, number, of }: SlotShare): number {
  return ((count * of + number) / rate.perSecond) * 1_000;
}
