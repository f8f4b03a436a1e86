/**
 * Tells a drip from a transfer: an idle timer alone is fed by one byte now and then. Windows follow one another; each
 * covers `windowMs` in which the source could have sent. Time in which the reader did not ask for more is the
 * reader's, not the source's, and does not count. Pure: time is passed in (milliseconds, any epoch).
 */
export interface ThroughputWindow {
  /** Bytes in the current window. */
  readonly bytes: number;
  /** Milliseconds of the current window that have been counted. */
  readonly activeMs: number;
  /** Since when time counts; undefined while the reader is behind. */
  readonly since: number | undefined;
}

export const WINDOW_MS = 60_000;

export function startWindow(nowMs: number): ThroughputWindow {
  return { bytes: 0, activeMs: 0, since: nowMs };
}

/** The reader has enough for now. */
export function pauseWindow(window: ThroughputWindow, nowMs: number): ThroughputWindow {
  return { ...window, activeMs: activeAt(window, nowMs), since: undefined };
}

/** The reader asks for more. */
export function resumeWindow(window: ThroughputWindow, nowMs: number): ThroughputWindow {
  return window.since === undefined ? { ...window, since: nowMs } : window;
}

/** Counts bytes that arrived. `too-slow` once a whole window held fewer than it must. */
export function countBytes(
  window: ThroughputWindow,
  bytes: number,
  nowMs: number,
  limit: { readonly minBytesPerSecond: number; readonly windowMs: number },
): { readonly verdict: 'fine' | 'too-slow'; readonly window: ThroughputWindow } {
  const since = window.since === undefined ? undefined : nowMs;
  const counted = { bytes: window.bytes + bytes, activeMs: activeAt(window, nowMs), since };
  if (counted.activeMs < limit.windowMs) return { verdict: 'fine', window: counted };
  // By the time that really passed: a chunk that ends the window late stands for all of it.
  const isTooSlow = counted.bytes * 1_000 < limit.minBytesPerSecond * counted.activeMs;
  return { verdict: isTooSlow ? 'too-slow' : 'fine', window: { bytes: 0, activeMs: 0, since } };
}

function activeAt(window: ThroughputWindow, nowMs: number): number {
  return window.activeMs + (window.since === undefined ? 0 : Math.max(0, nowMs - window.since));
}
