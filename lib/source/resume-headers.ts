import type { PinnedVersion, ResumeRequest } from './source.ts';

/** What is read may be a window of the source; the source counts from its own first byte. */
export function inSource(request: ResumeRequest): ResumeRequest {
  const { version, from, to } = request;
  const { window, bytes } = version;
  if (window === undefined || bytes === undefined) return request;
  const last = window.from + (to ?? bytes - 1);
  const isEnd = to === undefined && last === window.totalBytes - 1;
  const { to: _, ...rest } = request;
  return {
    ...rest,
    version: { ...version, bytes: window.totalBytes },
    from: window.from + from,
    ...(!isEnd && { to: last }),
  };
}

export function rangeHeaders(
  { version, from, to }: ResumeRequest,
  isConditional: boolean,
): Readonly<Record<string, string>> {
  const validator = validatorOf(version);
  return {
    range: `bytes=${from}-${to ?? ''}`,
    ...(isConditional && validator !== undefined ? { 'if-range': validator } : {}),
  };
}

/** What If-Range carries: the entity tag; the date only where there is none (RFC 9110 13.1.5). */
export function validatorOf({ etag, modified }: PinnedVersion): string | undefined {
  return etag ?? modified;
}
