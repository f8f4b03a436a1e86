/** Longest wait that a source may ask for; RFC 9110 sets none, and "in ten years" must not park a host for ever. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/** The three HTTP dates of RFC 9110 5.6.7; anything looser is left to nobody's guess. */
const HTTP_DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} [\d:]{8} GMT|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/**
 * Milliseconds to wait from `nowMs`, from 0 to an hour (RFC 9110 10.2.3: seconds or an HTTP date). A date in the past
 * is 0; what cannot be read is undefined, and the caller's own backoff counts.
 */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return clamp(Number(value) * 1_000);
  if (!HTTP_DATE.test(value)) return undefined;
  const at = Date.parse(value.endsWith('GMT') ? value : `${value} GMT`);
  return Number.isNaN(at) ? undefined : clamp(at - nowMs);
}

const clamp = (ms: number) => Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
