import { parseHttpDate } from './http-date.ts';

/** Longest wait that a source may ask for; RFC 9110 sets none, and "in ten years" must not park a host for ever. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Milliseconds to wait from `nowMs`, from 0 to an hour (RFC 9110 10.2.3: seconds or an HTTP date). A date in the past
 * is 0; what cannot be read is undefined, and the caller's own backoff counts.
 */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return clamp(Number(value) * 1_000);
  const at = parseHttpDate(value);
  return at === undefined ? undefined : clamp(at - nowMs);
}

const clamp = (ms: number) => Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
