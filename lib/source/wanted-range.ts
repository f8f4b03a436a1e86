import type { WantedRange } from '../contract/byte-range.ts';
import type { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type AskedUrl, fail, type ReceivedHead } from './check-response.ts';
import { type HeaderList, valuesOf } from './header-list.ts';

/** Where byte 0 of what is read stands in its source. */
export interface Window {
  readonly from: number;
  readonly totalBytes: number;
}

export type RangeDecision =
  | { readonly action: 'range'; readonly bytes: number; readonly window: Window }
  | { readonly action: 'fail'; readonly error: SkyhaulError };

export function rangeHeader(range: WantedRange): string {
  return 'last' in range ? `bytes=-${range.last}` : `bytes=${range.from}-${range.to ?? ''}`;
}

/**
 * Whether a 206 holds what was wanted: all of the range, or up to where the source ends (RFC 9110 14.1.2). Anything else is
 * refused; the whole is never cut here, since it may be any size.
 */
export function judgeRange(head: ReceivedHead, wanted: WantedRange, asked: AskedUrl): RangeDecision {
  const { headers, framing } = head;
  if (framing.kind === 'broken') return fail(head, asked, 'ProtocolError', `with ${framing.why}`);
  const found = readContentRange(headers);
  if (found === undefined) return fail(head, asked, 'ProtocolError', '206 that does not say which one range it holds');
  const { from, to, totalBytes } = found;
  const end = totalBytes - 1;
  const [first, last] =
    'last' in wanted ? [Math.max(0, totalBytes - wanted.last), end] : [wanted.from, Math.min(wanted.to ?? end, end)];
  if (from !== first || to !== last) return fail(head, asked, 'RangeNotServed', `bytes ${from}-${to} of ${totalBytes}`);
  const bytes = to - from + 1;
  if (framing.kind === 'length' && framing.bytes !== bytes) {
    return fail(head, asked, 'ProtocolError', 'another length than its range');
  }
  return { action: 'range', bytes, window: { from, totalBytes } };
}

export interface ContentRange {
  readonly from: number;
  readonly to: number;
  readonly totalBytes: number;
}

/** One Content-Range in bytes, whole and within its total; a multipart/byteranges answer has none. */
export function readContentRange(headers: HeaderList): ContentRange | undefined {
  const [value = '', ...others] = valuesOf(headers, 'content-range');
  const numbers = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(value)?.slice(1).map(Number);
  if (numbers === undefined || others.length > 0 || !numbers.every(Number.isSafeInteger)) return undefined;
  const [from = 0, to = 0, totalBytes = 0] = numbers;
  return from <= to && to < totalBytes ? { from, to, totalBytes } : undefined;
}
