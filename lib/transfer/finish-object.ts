import { toSkyhaulError } from '../errors/skyhaul-error.ts';
import { crc32Hex } from '../store/crc32.ts';
import type { Commit, StoredObject } from '../store/object-store.ts';
import { adopted } from './adopt-object.ts';
import { checkLength } from './check-expectations.ts';
import { afterConflict, beforeCommit, SAME_CONTENT, sumsOfParts } from './commit-policy.ts';
import type { Filled } from './fill-parts.ts';
import type { Generation, Part } from './generation.ts';
import type { ItemJob, ItemResult } from './item-job.ts';
import { markOfItem } from './overwrite-policy.ts';
import { fieldsMark } from './request-mark.ts';

/** At which a commit begins to count in memory. */
const MANY_PARTS = 256;

export interface Finished {
  readonly result: ItemResult;
  /** Another object holds the same bytes: what was uploaded is not needed. */
  readonly isUploadLeft: boolean;
}

/**
 * The one act that makes an object visible, after everything that can be proven is proven. Until then nothing has
 * changed at the destination; `existing` is what stood there before. Throws SizeMismatch, DigestMismatch,
 * UnexpectedContent, CommitConflict and what the store throws.
 */
export async function finishObject(
  job: ItemJob,
  generation: Generation,
  { digests, small }: Filled,
  existing: StoredObject | undefined,
): Promise<Finished> {
  const { work, options } = job;
  const parts = Array.from(generation.parts.values()).sort((a, b) => a.number - b.number);
  const sums = small ? { ...small, bytes: small.bytes.length } : sumsOfParts(parts);
  checkLength(work.item, sums.bytes, work.item.maxBytes ?? options.maxBytes);
  const { sha256 } = digests.verify(sums);
  const result: ItemResult = {
    outcome: 'stored',
    status: generation.status,
    bytes: sums.bytes,
    crc32: crc32Hex(sums.crc32),
    verified: generation.verified,
    ...(sha256 !== undefined && { sha256 }),
    ...(generation.sourceEtag !== undefined && { sourceEtag: generation.sourceEtag }),
  };
  if (beforeCommit(options.overwrite, existing, sums, fieldsMark(job)) === 'unchanged') {
    return { result: { ...result, ...SAME_CONTENT }, isUploadLeft: true };
  }
  const commit: Commit = { bytes: sums.bytes, crc32: sums.crc32, condition: generation.condition };
  try {
    const object = await write(job, generation, parts, small?.bytes, commit);
    return { result: { ...result, objectEtag: object.etag }, isUploadLeft: false };
  } catch (error) {
    if (toSkyhaulError(error).name !== 'CommitConflict') throw error;
    const winner = await job.destination.head(work.key);
    const verdict = afterConflict(winner, sums, markOfItem(job));
    if (!winner || verdict === 'foreign') throw error;
    return {
      result: verdict === 'ours' ? adopted(winner) : { ...result, objectEtag: winner.etag },
      isUploadLeft: true,
    };
  }
}

async function write(
  job: ItemJob,
  { object, upload }: Generation,
  parts: readonly Part[],
  small: Uint8Array | undefined,
  commit: Commit,
): Promise<StoredObject> {
  const { destination, work, signal, pool } = job;
  signal.throwIfAborted();
  if (upload) {
    // The list of its parts takes some 10 KB for each while it is written down: in the place of buffers, not beside them.
    if (parts.length > MANY_PARTS) pool.letGo();
    return destination.completeUpload(upload, parts, commit);
  }
  const { condition, crc32 } = commit;
  return destination.put(work.key, small ?? new Uint8Array(), { ...object, condition, crc32 });
}
