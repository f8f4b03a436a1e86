import type { Item } from '../contract/item.ts';
import type { Verification } from '../contract/outcome.ts';
import { parseHttpDate } from '../source/http-date.ts';
import type { OpenedSource } from '../source/source.ts';
import type { ObjectOptions } from '../store/object-store.ts';
import { type WantedDigests, wantedDigests } from './digests.ts';
import type { ItemJob } from './item-job.ts';
import { META, sourceName } from './overwrite-policy.ts';
import { fieldsMark, requestMark } from './request-mark.ts';
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
  const contentType = item.contentType ?? source.contentType;
  const mark = requestMark(job);
  const fields = fieldsMark(job);
  return {
    ...(contentType !== undefined && { contentType }),
    ...(source.contentEncoding !== undefined && { contentEncoding: source.contentEncoding }),
    ...(storageClass !== undefined && { storageClass }),
    ...(tags !== undefined && { tags }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    metadata: withWhatFits(
      {
        ...item.metadata,
        [META.run]: job.run,
        [META.line]: String(line),
        ...(job.work.nameAt !== undefined && { [META.item]: String(job.work.index) }),
        [META.source]: sourceName(item.url),
        [META.verified]: verified,
        ...(mark !== undefined && { [META.request]: mark }),
        ...(fields !== undefined && { [META.fields]: fields }),
        ...(item.range !== undefined && { [META.range]: item.range }),
      },
      [validatorsOf(source, isPost(job)), digestsOf(item, source)],
    ),
  };
}

type Metadata = Readonly<Record<string, string>>;

/** By what a later run can tell whether the source changed. */
function validatorsOf({ validators, settled }: OpenedSource, isOfPost: boolean): Metadata {
  const { strongEtag, weakEtag, lastModified } = validators;
  const modified: Metadata =
    lastModified !== undefined && isDate(lastModified) ? { [META.modified]: lastModified } : {};
  if (isOfPost) return modified;
  if (strongEtag !== undefined) return { ...modified, ...(isAscii(strongEtag) && { [META.etag]: strongEtag }) };
  return {
    ...modified,
    ...(settled !== undefined && isDate(settled) && { [META.settled]: settled }),
    ...(weakEtag !== undefined && isAscii(weakEtag) && { [META.weakEtag]: weakEtag }),
  };
}

/** They are proven before the object becomes visible. */
function digestsOf(item: Item, source: OpenedSource): Metadata {
  const wanted = wantedDigests(item, source.digests).filter(({ algorithm }) => algorithm !== 'crc32');
  return Object.fromEntries(wanted.map(({ algorithm, hex }) => [META[algorithm as 'sha256' | 'md5' | 'crc32c'], hex]));
}

/** S3 takes 2 KiB (user guide, "Working with object metadata"); of it, for what the transforms of an item say. */
const MAX_METADATA_BYTES = 2_048;
const RESERVED_BYTES = 256;

/** What nobody must have is left out where the user's own takes the room. */
function withWhatFits(required: Metadata, others: readonly Metadata[]): Metadata {
  let all = required;
  for (const more of others) {
    const next = { ...all, ...more };
    if (sizeOf(next) <= MAX_METADATA_BYTES - RESERVED_BYTES) all = next;
  }
  return all;
}

function sizeOf(metadata: Metadata): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

/** Nothing else than a date, and no more than one, comes into the metadata. */
function isDate(text: string): boolean {
  return parseHttpDate(text) !== undefined && text.length <= 40;
}

/** Metadata travels as headers. An ETag may hold other bytes (RFC 9110 8.8.3); then nothing is compared by it later. */
function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
