import type { Outcome } from '../lib/contract/outcome.ts';
import type { ShownEvent } from './shown-event.ts';

/**
 * What is known of a run from its events. `applyEvent` changes the state in place: a run may send millions of events,
 * and each costs a few operations here. The clock is passed in (epoch milliseconds).
 */
export interface ActiveItem {
  readonly key: string;
  readonly startedAt: number;
  bytes: number;
  totalBytes: number | undefined;
  retry: { readonly error: string; readonly until: number } | undefined;
}

export interface ProgressState {
  readonly startedAt: number;
  phase: 'planning' | 'moving' | 'waiting' | 'reported';
  round: number;
  /** Lines of the list as far as they are known; undefined before the first plan. */
  total: number | undefined;
  readonly counts: { stored: number; skipped: number; failed: number };
  /** Received, including what had to be fetched again. */
  movedBytes: number;
  retries: number;
  /** By position in the list, since a pattern makes several items of one line; by line where nobody says it. */
  readonly active: Map<number, ActiveItem>;
  waitUntil: number | undefined;
  readonly samples: { readonly at: number; readonly bytes: number }[];
}

const WINDOW_MS = 5_000;
const SAMPLE_MS = 200;

export function startProgress(now: number): ProgressState {
  return {
    startedAt: now,
    phase: 'planning',
    round: 0,
    total: undefined,
    counts: { stored: 0, skipped: 0, failed: 0 },
    movedBytes: 0,
    retries: 0,
    active: new Map(),
    waitUntil: undefined,
    samples: [],
  };
}

export function endedItems({ counts }: ProgressState): number {
  return counts.stored + counts.skipped + counts.failed;
}

export function applyEvent(state: ProgressState, event: ShownEvent, now: number): void {
  switch (event.event) {
    case 'run.planned':
      state.phase = 'moving';
      state.waitUntil = undefined;
      // What did not end in its round goes on in a later one, and says so again.
      state.active.clear();
      state.round = event.round;
      // A later round plans what is left, and a continued run begins with a later round.
      state.total = endedItems(state) + (event.left ?? event.items);
      return;
    case 'run.waiting':
      state.phase = 'waiting';
      state.waitUntil = now + event.seconds * 1_000;
      state.active.clear();
      return;
    case 'run.reported':
      state.phase = 'reported';
      state.active.clear();
      return;
    case 'run.cleaned':
    case 'attempt.started':
    case 'item.log':
      return;
    case 'run.position':
      Object.assign(state.counts, event.counts);
      state.round = event.round;
      state.total = endedItems(state) + event.left;
      // What is known of bytes may be more recent than the round.
      state.movedBytes = Math.max(state.movedBytes, event.bytes);
      state.phase = 'moving';
      return;
    case 'item.started':
      state.phase = 'moving';
      state.active.set(event.index ?? event.line, {
        key: event.key,
        startedAt: now,
        bytes: 0,
        totalBytes: undefined,
        retry: undefined,
      });
      return;
    case 'item.progress':
      applyBytes(state, event.index ?? event.line, event.bytes, event.totalBytes);
      return;
    case 'item.retrying': {
      state.retries += 1;
      const item = state.active.get(event.index ?? event.line);
      if (item) item.retry = { error: event.error, until: now + event.afterMs };
      return;
    }
    case 'item.ended':
      applyOutcome(state, event.index ?? event.outcome.line, event.outcome);
      return;
  }
}

function applyBytes(state: ProgressState, place: number, bytes: number, totalBytes: number | undefined): void {
  const item = state.active.get(place);
  if (!item) return;
  // Fewer bytes than before: the item began anew.
  state.movedBytes += bytes >= item.bytes ? bytes - item.bytes : bytes;
  item.bytes = bytes;
  item.totalBytes = totalBytes;
  item.retry = undefined;
}

function applyOutcome(state: ProgressState, place: number, outcome: Outcome): void {
  const item = state.active.get(place);
  if (outcome.outcome === 'stored' && outcome.bytes !== undefined) {
    state.movedBytes += Math.max(0, outcome.bytes - (item?.bytes ?? 0));
  }
  state.active.delete(place);
  state.counts[outcome.outcome] += 1;
}

/** Remembers how far the run is; to be called now and then, before `bytesPerSecond`. */
export function takeSample(state: ProgressState, now: number): void {
  const last = state.samples.at(-1);
  if (last && now - last.at < SAMPLE_MS) return;
  state.samples.push({ at: now, bytes: state.movedBytes });
  while (state.samples[1] && now - state.samples[1].at >= WINDOW_MS) state.samples.shift();
}

/** Over the last five seconds; undefined while nothing can be said. */
export function bytesPerSecond(state: ProgressState): number | undefined {
  const [first] = state.samples;
  const last = state.samples.at(-1);
  if (!first || !last || last.at === first.at) return undefined;
  return ((last.bytes - first.bytes) * 1_000) / (last.at - first.at);
}
