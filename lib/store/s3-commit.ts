/**
 * Commits whose answer is lost, cut short or contradicted by our own earlier try (S13, S14, S15): the object itself
 * tells. Every conditional write puts a token of its own into the metadata, so only our own object is taken for ours.
 */
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { StoredObject } from './object-store.ts';
import { type S3Bucket, withoutToken } from './s3-bucket.ts';
import { mayHaveHappened } from './s3-errors.ts';

export interface Expected {
  readonly key: string;
  readonly bytes: number;
  readonly crc32: number;
  /** None for writes without a condition, which are simply done again. */
  readonly token: string | undefined;
}

/**
 * Runs the write; it answers with the new ETag. Throws CommitConflict where another one's object stands, and what the
 * write threw where nothing tells that it happened.
 */
export async function commitOnce(
  s3: S3Bucket,
  expected: Expected,
  write: () => Promise<string | undefined>,
): Promise<StoredObject | string> {
  let failure: unknown;
  try {
    const etag = await write();
    // S07: an answer without ETag is none.
    if (etag !== undefined && etag !== '') return etag;
    failure = s3.unavailable(expected.key, 'an answer without ETag');
  } catch (error) {
    const cause = error instanceof SkyhaulError ? error.cause : error;
    if (!mayHaveHappened(cause)) throw error;
    failure = error;
  }
  const own = await findOwn(s3, expected);
  if (own !== undefined) return own;
  throw failure;
}

async function findOwn(s3: S3Bucket, expected: Expected): Promise<StoredObject | undefined> {
  if (expected.token === undefined) return undefined;
  // Its own failure says less than that of the write.
  const found = await s3.head(expected.key).catch(() => undefined);
  if (found === undefined || found.token !== expected.token || found.bytes !== expected.bytes) return undefined;
  return found.crc32 === undefined || found.crc32 === expected.crc32 ? withoutToken(found) : undefined;
}
