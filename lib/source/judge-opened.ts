import { checkResponse, fail } from './check-response.ts';
import type { Answer } from './opened-source.ts';
import type { SourceRequest } from './source.ts';
import { judgeRange, rangeHeader } from './wanted-range.ts';

/** What a source is asked with that is opened, and what its answer means for it. Both are pure. */
export function openHeaders({ ifNoneMatch, ifModifiedSince, range }: SourceRequest): Readonly<Record<string, string>> {
  return {
    ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { 'if-modified-since': ifModifiedSince }),
    ...(range !== undefined && { range: rangeHeader(range) }),
  };
}

/** A POST answers with what it likes, but never with a range; what it says of versions means nothing (RFC 9110 9.3.3). */
export function judgeOpened({ url, head }: Pick<Answer, 'url' | 'head'>, request: SourceRequest, nowMs: number) {
  const { range, ifNoneMatch, ifModifiedSince } = request;
  const asked = { url, nowMs };
  if (range === undefined || (head.status >= 300 && head.status !== 416)) {
    return checkResponse(head, { ...asked, ifNoneMatch, ifModifiedSince });
  }
  if (head.status === 206) return judgeRange(head, range, asked);
  return fail(head, asked, 'RangeNotServed', `${head.status} to ${rangeHeader(range)}`);
}
