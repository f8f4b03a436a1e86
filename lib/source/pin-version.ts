import type { ReceivedHead } from './check-response.ts';
import { contentEncodingOf, type HeaderList, listOf, valuesOf } from './header-list.ts';
import { parseHttpDate } from './http-date.ts';
import type { PinnedVersion } from './source.ts';
import { readValidators } from './validators.ts';

/** RFC 9110 8.8.2.2 says one second; clocks of one host are rarely further apart than a minute. */
const STRONG_AFTER_MS = 60_000;

/**
 * By what later bytes can be told to be of the version that this answer begins. Only of answers that carry the whole
 * (200, and the 206 that covers it). None: nothing may ever be joined to these bytes, and nobody should try.
 */
export function pinVersion(head: ReceivedHead): PinnedVersion | undefined {
  const { status, headers, framing } = head;
  if ((status !== 200 && status !== 206) || takesNoRanges(headers)) return undefined;
  const bytes = framing.kind === 'length' ? framing.bytes : undefined;
  const contentEncoding = contentEncodingOf(headers);
  const etag = readValidators(headers).strongEtag;
  if (etag !== undefined) return { etag, bytes, contentEncoding };
  const modified = strongModified(headers);
  return modified === undefined ? undefined : { modified, bytes, contentEncoding };
}

/** The answer names the pinned validator, byte for byte, and the coding that came with it. */
export function isOfVersion(headers: HeaderList, version: PinnedVersion): boolean {
  if (contentEncodingOf(headers) !== version.contentEncoding) return false;
  const { strongEtag, lastModified } = readValidators(headers);
  if (version.etag !== undefined) return strongEtag === version.etag;
  return version.modified !== undefined && lastModified === version.modified && !hasEtag(headers);
}

export function takesNoRanges(headers: HeaderList): boolean {
  return listOf(headers, 'accept-ranges').some((unit) => unit.toLowerCase() === 'none');
}

/**
 * The date by which versions can be told apart. Not beside an entity tag, weak or unreadable as it may be: that says more
 * than a date of whole seconds (RFC 9110 13.1.5).
 */
function strongModified(headers: HeaderList): string | undefined {
  return hasEtag(headers) ? undefined : settledModified(headers);
}

/** Last-Modified where it cannot stand for two versions: the source's own clock was well past it when it answered. */
export function settledModified(headers: HeaderList): string | undefined {
  const { lastModified } = readValidators(headers);
  const [date, ...others] = valuesOf(headers, 'date');
  if (lastModified === undefined || date === undefined || others.length > 0) return undefined;
  const [modifiedAt, answeredAt] = [parseHttpDate(lastModified), parseHttpDate(date)];
  if (modifiedAt === undefined || answeredAt === undefined) return undefined;
  return answeredAt - modifiedAt >= STRONG_AFTER_MS ? lastModified : undefined;
}

function hasEtag(headers: HeaderList): boolean {
  return valuesOf(headers, 'etag').length > 0;
}
