import type { CopySource } from '../contract/work.ts';
import { toSkyhaulError } from '../errors/skyhaul-error.ts';
import { crc32 } from '../store/crc32.ts';
import type { Condition, ObjectOptions, StoredObject, StoredPart } from '../store/object-store.ts';
import { USUAL_PART_BYTES } from '../store/part-plan.ts';
import { adopted } from './adopt-object.ts';
import { afterConflict, beforeCommit, SAME_CONTENT } from './commit-policy.ts';
import { type Copyable, describeCopy, isCopyable, partsOfCopy } from './copy-policy.ts';
import type { ItemJob, ItemResult } from './item-job.ts';
import { markOfItem } from './overwrite-policy.ts';
import { fieldsMark, requestMark } from './request-mark.ts';

/** Parts of one copy that S3 works on at once. */
const WIDTH = 8;

export interface CopyTarget {
  readonly existing: StoredObject | undefined;
  readonly condition: Condition;
}

/**
 * The object of an earlier line that asked for the same becomes that of this one, without a request to the source. The
 * same proof as for any object: CRC32 of the whole and a condition at its commit; when it throws, no upload is left
 * behind. `undefined`: there is nothing (any more) that could be copied, and the item is to be fetched.
 */
export async function copyObject(
  job: ItemJob,
  copyOf: CopySource,
  target: CopyTarget,
  transform: string | undefined,
): Promise<ItemResult | undefined> {
  const { destination, options, work } = job;
  const from = await destination.head(copyOf.key);
  const mark = markOfItem(job);
  const fields = fieldsMark(job);
  const making = { source: mark.source, request: requestMark(job), fields, transform, range: work.item.range };
  if (!isCopyable(from, copyOf, making)) return undefined;
  const result: ItemResult = { ...adopted(from), copiedFrom: copyOf.line };
  if (beforeCommit(options.overwrite, target.existing, from, fields) === 'unchanged') {
    const { copiedFrom: _, objectEtag: __, ...same } = result;
    return { ...same, ...SAME_CONTENT };
  }
  try {
    const object = await write(job, from, describeCopy(from, mark, options), target.condition);
    return object && { ...result, objectEtag: object.etag };
  } catch (error) {
    if (toSkyhaulError(error).name !== 'CommitConflict') throw error;
    const winner = await destination.head(work.key);
    const verdict = afterConflict(winner, { ...from, crc32c: undefined }, mark);
    if (!winner || verdict === 'foreign') throw error;
    return verdict === 'ours' ? adopted(winner) : { ...result, objectEtag: winner.etag };
  }
}

function write(job: ItemJob, from: Copyable, object: ObjectOptions, condition: Condition) {
  // S3 copies ranges of larger objects only, and a small one takes fewer requests this way.
  const isSmall = from.bytes <= Math.max(USUAL_PART_BYTES, job.destination.limits.minPartBytes);
  return isSmall ? writeSmall(job, from, object, condition) : writeParts(job, from, object, condition);
}

async function writeSmall(job: ItemJob, from: Copyable, object: ObjectOptions, condition: Condition) {
  const { destination, work, pool, signal } = job;
  const buffer = await pool.take(Math.max(1, from.bytes), signal);
  try {
    const bytes = await readInto(buffer, job, from);
    if (!bytes || crc32(bytes) !== from.crc32) return undefined;
    signal.throwIfAborted();
    return await destination.put(work.key, bytes, { ...object, condition, crc32: from.crc32 });
  } finally {
    pool.give(buffer);
  }
}

/** `undefined`: it is another object by now, or not read as it was written. */
async function readInto(buffer: Buffer, { destination, signal }: ItemJob, from: Copyable): Promise<Buffer | undefined> {
  const got = await destination.get(from.key);
  if (!got) return undefined;
  const isSame = got.object.etag === from.etag;
  let read = 0;
  try {
    for await (const chunk of got.body) {
      signal.throwIfAborted();
      if (!isSame || read + chunk.length > from.bytes) return undefined;
      buffer.set(chunk, read);
      read += chunk.length;
    }
  } catch (error) {
    // Of a store that holds other bytes than it was given; nothing that would stop the run.
    if (toSkyhaulError(error).name === 'StoreFailed') return undefined;
    throw error;
  }
  return isSame && read === from.bytes ? buffer.subarray(0, read) : undefined;
}

async function writeParts(job: ItemJob, from: Copyable, object: ObjectOptions, condition: Condition) {
  const { destination, work, signal } = job;
  const upload = await destination.createUpload(work.key, object);
  let isCommitted = false;
  try {
    const parts = await copyParts(partsOfCopy(from.bytes, destination.limits), ({ number, ...range }) =>
      destination.copyPart(upload, number, { key: from.key, etag: from.etag, ...range }, signal),
    );
    if (!parts) return undefined;
    signal.throwIfAborted();
    const stored = await destination.completeUpload(upload, parts, { bytes: from.bytes, crc32: from.crc32, condition });
    isCommitted = true;
    return stored;
  } finally {
    // What cannot be ended now is the janitor's.
    if (!isCommitted) await destination.abortUpload(upload).catch(() => undefined);
  }
}

type Planned = ReturnType<typeof partsOfCopy>[number];

/** In the order of their numbers; `undefined`: one could not be copied. When it ends, no request is under way. */
async function copyParts(
  parts: readonly Planned[],
  copy: (part: Planned) => Promise<StoredPart | undefined>,
): Promise<StoredPart[] | undefined> {
  const waiting = parts.values();
  const copied: StoredPart[] = [];
  let isBroken = false;
  const worker = async () => {
    // The iterator is shared: each part is taken by exactly one worker.
    for (const part of waiting) {
      if (isBroken) return;
      try {
        const stored = await copy(part);
        if (stored) copied.push(stored);
        else isBroken = true;
      } catch (error) {
        isBroken = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: WIDTH }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return copied.length === parts.length ? copied.sort((a, b) => a.number - b.number) : undefined;
}
