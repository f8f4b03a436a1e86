import { toSkyhaulError } from '../errors/skyhaul-error.ts';
import { combineCrc32, combineCrc32c, crc32Hex } from '../store/crc32.ts';
import type { Commit, StoredObject } from '../store/object-store.ts';
import { checkLength } from './check-expectations.ts';
import type { Filled } from './fill-parts.ts';
import type { Generation, Part } from './generation.ts';
import type { ItemJob, ItemResult } from './item-job.ts';

export interface Finished {
  readonly result: ItemResult;
  /** Another object holds the same bytes: what was uploaded is not needed. */
  readonly isUploadLeft: boolean;
}

/** What all bytes of the object sum up to. */
interface Sums {
  readonly bytes: number;
  readonly crc32: number;
  readonly crc32c: number | undefined;
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
  if (options.overwrite === 'if-changed' && holdsSame(existing, sums)) {
    return { result: { ...result, outcome: 'skipped', reason: 'unchanged' }, isUploadLeft: true };
  }
  const commit: Commit = { bytes: sums.bytes, crc32: sums.crc32, condition: generation.condition };
  const { object, isOurs } = await adoptIfSame(job, sums, () => write(job, generation, parts, small?.bytes, commit));
  return { result: { ...result, objectEtag: object.etag }, isUploadLeft: !isOurs };
}

async function write(
  job: ItemJob,
  { object, upload }: Generation,
  parts: readonly Part[],
  small: Uint8Array | undefined,
  commit: Commit,
): Promise<StoredObject> {
  const { destination, work, signal } = job;
  signal.throwIfAborted();
  if (upload) return destination.completeUpload(upload, parts, commit);
  const { condition, crc32 } = commit;
  return destination.put(work.key, small ?? new Uint8Array(), { ...object, condition, crc32 });
}

/** Who lost the race for the key has still done its work when the winner wrote the same bytes. */
async function adoptIfSame(job: ItemJob, sums: Sums, commit: () => Promise<StoredObject>) {
  try {
    return { object: await commit(), isOurs: true };
  } catch (error) {
    if (toSkyhaulError(error).name !== 'CommitConflict') throw error;
    const winner = await job.destination.head(job.work.key);
    if (!winner || !holdsSame(winner, sums)) throw error;
    return { object: winner, isOurs: false };
  }
}

function holdsSame(object: StoredObject | undefined, { bytes, crc32 }: Sums): boolean {
  return object !== undefined && object.crc32 === crc32 && object.bytes === bytes;
}

function sumsOfParts(parts: readonly Part[]): Sums {
  let sums: Sums = { bytes: 0, crc32: 0, crc32c: 0 };
  for (const { bytes, crc32, crc32c } of parts) {
    sums = {
      bytes: sums.bytes + bytes,
      crc32: combineCrc32(sums.crc32, crc32, bytes),
      crc32c: sums.crc32c === undefined || crc32c === undefined ? undefined : combineCrc32c(sums.crc32c, crc32c, bytes),
    };
  }
  return sums;
}
