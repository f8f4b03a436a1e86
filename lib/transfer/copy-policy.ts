import { GiB, MiB } from '../contract/limits.ts';
import type { CopySource } from '../contract/work.ts';
import type { ObjectOptions, StoredObject, StoreLimits } from '../store/object-store.ts';
import { type ItemMark, isMadeAlike, type Making, META } from './overwrite-policy.ts';

/**
 * Whether, and how, the object of another line stands for one that was to be fetched: pure. It is looked at by what it says
 * of itself, since anybody may have written there meanwhile; in doubt the line is fetched.
 */

/** Larger ones would not be done within one invocation. */
const MAX_COPY_BYTES = 256 * GiB;

export type Copyable = StoredObject & { readonly crc32: number };

export function isCopyable(
  found: StoredObject | undefined,
  { etag }: Pick<CopySource, 'etag'>,
  { source, ...making }: Making & Pick<ItemMark, 'source'>,
): found is Copyable {
  if (!found || found.isArchived || found.crc32 === undefined || found.bytes > MAX_COPY_BYTES) return false;
  if (etag !== undefined && found.etag !== etag) return false;
  return found.metadata[META.source] === source && isMadeAlike(found, making);
}

/** What the copy says about itself: the same, but for whose it is. */
export function describeCopy(
  { contentType, contentEncoding, metadata }: StoredObject,
  { run, line }: Pick<ItemMark, 'run' | 'line'>,
  { storageClass, tags, cacheControl, kmsKeyId }: ObjectOptions,
): ObjectOptions {
  return {
    ...(contentType !== undefined && { contentType }),
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(storageClass !== undefined && { storageClass }),
    ...(tags !== undefined && { tags }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    metadata: { ...metadata, [META.run]: run, [META.line]: String(line) },
  };
}

/** Few requests, each of which is answered within seconds. */
const PART_BYTES = 128 * MiB;

/** Number, first byte and length of each part of a copy. */
export function partsOfCopy(bytes: number, { maxPartBytes, maxParts }: Pick<StoreLimits, 'maxPartBytes' | 'maxParts'>) {
  const partBytes = Math.min(maxPartBytes, Math.max(PART_BYTES, Math.ceil(bytes / maxParts)));
  return Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => {
    const from = index * partBytes;
    return { number: index + 1, from, bytes: Math.min(partBytes, bytes - from) };
  });
}
