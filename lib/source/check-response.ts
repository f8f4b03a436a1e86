import type { ErrorName } from '../errors/catalogue.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { FramingVerdict } from './framing.ts';
import { firstOf, type HeaderList, valuesOf } from './header-list.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Framing } from './source.ts';
import { isSameTag } from './validators.ts';

export interface ReceivedHead {
  readonly status: number;
  readonly headers: HeaderList;
  readonly framing: FramingVerdict;
}

export interface Asked {
  readonly url: URL;
  readonly ifNoneMatch: string | undefined;
  /** Epoch milliseconds, for a Retry-After that is a date. */
  readonly nowMs: number;
}

export type ResponseDecision =
  | { readonly action: 'body'; readonly framing: Framing }
  | { readonly action: 'not-modified' }
  | { readonly action: 'redirect' }
  | { readonly action: 'fail'; readonly error: SkyhaulError };

const REDIRECTS = [301, 302, 303, 307, 308];
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

/** Whether a response to our GET carries the file, leads on, or is an error of the catalogue. */
export function checkResponse(head: ReceivedHead, asked: Asked): ResponseDecision {
  const { status, headers, framing } = head;
  const fail = (name: ErrorName, why: string): ResponseDecision => {
    const after = retryAfterMs(firstOf(headers, 'retry-after'), asked.nowMs);
    const details = { status, host: asked.url.host, ...(after === undefined ? {} : { retryAfterMs: after }) };
    return { action: 'fail', error: new SkyhaulError(name, `${redactUrl(asked.url.href)} answered ${why}`, details) };
  };

  if (status === 200) {
    return framing.kind === 'broken' ? fail('ProtocolError', `with ${framing.why}`) : { action: 'body', framing };
  }
  if (status === 206) {
    if (isWholeRange(headers, framing)) return { action: 'body', framing };
    return fail('UnexpectedStatus', '206 although no range was asked for, and not with the whole');
  }
  if (status === 304 && asked.ifNoneMatch !== undefined) {
    const etag = firstOf(headers, 'etag');
    if (etag === undefined || isSameTag(etag, asked.ifNoneMatch)) return { action: 'not-modified' };
    return fail('ProtocolError', '304 for another ETag than was asked for');
  }
  if (REDIRECTS.includes(status)) return { action: 'redirect' };
  return fail(NAMES[status] ?? 'UnexpectedStatus', String(status));
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
