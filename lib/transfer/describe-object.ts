import type { Item } from '../contract/item.ts';
import type { Verification } from '../contract/outcome.ts';
import { parseHttpDate } from '../source/http-date.ts';
import type { OpenedSource } from '../source/source.ts';
import type { ObjectOptions } from '../store/object-store.ts';
import type { WantedDigests } from './digests.ts';
import type { ItemJob } from './item-job.ts';
import { META, sourceName } from './overwrite-policy.ts';
import { requestMark } from './request-mark.ts';
import { isPost } from './source-request.ts';

/** How well the object will be proven once it is whole. */
export function verification(item: Item, source: OpenedSource, wanted: WantedDigests): Verification {
  if (wanted.length > 0) return 'digest';
  if (source.framing.kind === 'length' || item.size !== undefined) return 'length';
  return source.framing.kind === 'chunked' ? 'chunked' : 'unverified';
}

/** What the object says about itself. */
export function describeObject(
  job: Pick<ItemJob, 'run' | 'work' | 'options'>,
  source: OpenedSource,
  verified: Verification,
): ObjectOptions {
  const { item, line } = job.work;
  const { storageClass, tags, cacheControl, kmsKeyId } = job.options;
  const { strongEtag, lastModified } = source.validators;
  const etag = isPost(job) ? undefined : strongEtag;
  const contentType = item.contentType ?? source.contentType;
  const mark = requestMark(job);
  return {
    ...(contentType !== undefined && { contentType }),
    ...(source.contentEncoding !== undefined && { contentEncoding: source.contentEncoding }),
    ...(storageClass !== undefined && { storageClass }),
    ...(tags !== undefined && { tags }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    metadata: {
      ...item.metadata,
      [META.run]: job.run,
      [META.line]: String(line),
      [META.source]: sourceName(item.url),
      [META.verified]: verified,
      ...(mark !== undefined && { [META.request]: mark }),
      ...(item.range !== undefined && { [META.range]: item.range }),
      ...(lastModified !== undefined && isDate(lastModified) && { [META.modified]: lastModified }),
      ...(etag !== undefined && isAscii(etag) && { [META.etag]: etag }),
    },
  };
}

/** Nothing else than a date, and no more than one, comes into the metadata. */
function isDate(text: string): boolean {
  return parseHttpDate(text) !== undefined && text.length <= 40;
}

/** Metadata travels as headers. An ETag may hold other bytes (RFC 9110 8.8.3); then nothing is compared by it later. */
function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
