import type { ErrorName } from '../errors/catalogue.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { FramingVerdict } from './framing.ts';
import { firstOf, type HeaderList, valuesOf } from './header-list.ts';
import { parseHttpDate } from './http-date.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Framing } from './source.ts';
import { isSameTag } from './validators.ts';

export interface ReceivedHead {
  readonly status: number;
  readonly headers: HeaderList;
  readonly framing: FramingVerdict;
}

export interface AskedUrl {
  readonly url: URL;
  /** Epoch milliseconds, for a Retry-After that is a date. */
  readonly nowMs: number;
}

export interface Asked extends AskedUrl {
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince?: string | undefined;
}

export type WholeDecision =
  | { readonly action: 'body'; readonly framing: Framing }
  | { readonly action: 'fail'; readonly error: SkyhaulError };

export type ResponseDecision =
  | WholeDecision
  | { readonly action: 'not-modified' }
  /** Not modified since some other time than was asked about: an older file was put in its place. */
  | { readonly action: 'ask-plainly' };

const NAMES: Readonly<Record<number, ErrorName>> = {
  401: 'AccessDenied',
  403: 'AccessDenied',
  404: 'NotFound',
  407: 'AccessDenied',
  408: 'SourceUnavailable',
  410: 'NotFound',
  429: 'Throttled',
  451: 'AccessDenied',
  500: 'SourceUnavailable',
  502: 'SourceUnavailable',
  503: 'Throttled',
  504: 'SourceUnavailable',
  // Cloudflare's words for an origin that is down, slow or unreachable.
  ...Object.fromEntries(
    [520, 521, 522, 523, 524, 525, 526, 527].map((status) => [status, 'SourceUnavailable' as const]),
  ),
};

/** Whether an answer to our GET that is no redirect carries the file or is an error of the catalogue. */
export function checkResponse(head: ReceivedHead, asked: Asked): ResponseDecision {
  const { status, headers, framing } = head;
  if (status === 206 && isWholeRange(headers, framing)) return { action: 'body', framing };
  const { ifNoneMatch, ifModifiedSince } = asked;
  if (status === 304 && (ifNoneMatch ?? ifModifiedSince) !== undefined) {
    const etag = firstOf(headers, 'etag');
    const modified = firstOf(headers, 'last-modified');
    if (ifModifiedSince !== undefined && modified !== undefined && modified !== ifModifiedSince) {
      return { action: 'ask-plainly' };
    }
    if (etag === undefined || ifNoneMatch === undefined || isSameTag(etag, ifNoneMatch)) {
      return { action: 'not-modified' };
    }
    return fail(head, asked, 'ProtocolError', '304 for another ETag than was asked for');
  }
  return checkWhole(head, asked);
}

/** The same, where nothing but a 200 is the file. */
export function checkWhole(head: ReceivedHead, asked: AskedUrl): WholeDecision {
  const { status, framing } = head;
  if (status === 206) {
    return fail(head, asked, 'UnexpectedStatus', '206 although no range was asked for, and not with the whole');
  }
  if (status !== 200) return fail(head, asked, NAMES[status] ?? 'UnexpectedStatus', String(status));
  if (framing.kind === 'broken') return fail(head, asked, 'ProtocolError', `with ${framing.why}`);
  return { action: 'body', framing };
}

/** An answer that is no use, as an error of the catalogue. */
export function fail(head: ReceivedHead, { url, nowMs }: AskedUrl, name: ErrorName, why: string) {
  const after = longestRetryAfterMs(head.headers, nowMs);
  const details = { status: head.status, host: url.host, ...(after === undefined ? {} : { retryAfterMs: after }) };
  return { action: 'fail', error: new SkyhaulError(name, `${redactUrl(url.href)} answered ${why}`, details) } as const;
}

/**
 * Of several the longest counts. A date is one of the source's own clock, which may go wrong: where the source says what
 * time it is there, the wait is counted from that.
 */
function longestRetryAfterMs(headers: HeaderList, nowMs: number): number | undefined {
  const clock = parseHttpDate(firstOf(headers, 'date') ?? '') ?? nowMs;
  const waits = valuesOf(headers, 'retry-after').flatMap((value) => retryAfterMs(value, clock) ?? []);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** RFC 9110 15.3.7: a 206 says what it holds. Nobody asked for a part, so only 0 to the end will do. */
function isWholeRange(headers: HeaderList, framing: FramingVerdict): framing is Framing & { kind: 'length' } {
  const [range, ...others] = valuesOf(headers, 'content-range');
  const [, last, total] = /^bytes 0-(\d+)\/(\d+)$/i.exec(range ?? '') ?? [];
  if (others.length > 0 || last === undefined || framing.kind !== 'length') return false;
  return Number(last) + 1 === Number(total) && framing.bytes === Number(total);
}

/** The `<Code>` of an S3-style error body: says whether a signature is wrong or has expired. */
export function readErrorCode(text: string): string | undefined {
  return /<Code>([A-Za-z]{1,64})<\/Code>/.exec(text)?.[1];
}
