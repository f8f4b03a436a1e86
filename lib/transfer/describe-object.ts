import type { Item } from '../contract/item.ts';
import type { Verification } from '../contract/outcome.ts';
import type { OpenedSource } from '../source/source.ts';
import type { ObjectOptions } from '../store/object-store.ts';
import type { WantedDigests } from './digests.ts';
import type { ItemJob } from './item-job.ts';
import { META, sourceName } from './overwrite-policy.ts';

/** How well the object will be proven once it is whole. */
export function verification(item: Item, source: OpenedSource, wanted: WantedDigests): Verification {
  if (wanted.length > 0) return 'digest';
  if (source.framing.kind === 'length' || item.size !== undefined) return 'length';
  return source.framing.kind === 'chunked' ? 'chunked' : 'unverified';
}

/** What the object says about itself. */
export function describeObject(
  job: Pick<ItemJob, 'run' | 'work'>,
  source: OpenedSource,
  verified: Verification,
): ObjectOptions {
  const { item, line } = job.work;
  const etag = source.validators.strongEtag;
  const contentType = item.contentType ?? source.contentType;
  return {
    ...(contentType !== undefined && { contentType }),
    ...(source.contentEncoding !== undefined && { contentEncoding: source.contentEncoding }),
    metadata: {
      ...item.metadata,
      [META.run]: job.run,
      [META.line]: String(line),
      [META.source]: sourceName(item.url),
      [META.verified]: verified,
      ...(etag !== undefined && isAscii(etag) && { [META.etag]: etag }),
    },
  };
}

/** Metadata travels as headers. An ETag may hold other bytes (RFC 9110 8.8.3); then nothing is compared by it later. */
function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
