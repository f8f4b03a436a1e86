import type { Options } from '../contract/options.ts';
import type { Outcome, Verification } from '../contract/outcome.ts';
import type { ItemWork } from '../contract/work.ts';
import { toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource, SourceClient } from '../source/source.ts';
import { crc32Hex } from '../store/crc32.ts';
import type { ObjectOptions, ObjectStore, StoredObject } from '../store/object-store.ts';
import type { BufferPool } from './buffer-pool.ts';
import { checkHeaders, checkLength, tooLarge } from './check-expectations.ts';
import { Digests } from './digests.ts';
import { type BeforeFetch, beforeFetch, isUnchanged, META, sourceName } from './overwrite-policy.ts';
import { partBytesFor } from './part-plan.ts';
import { PartWriter } from './part-writer.ts';

export interface ItemJob {
  /** Name and start of the run: marks what it stores. */
  readonly run: string;
  readonly work: ItemWork;
  readonly options: Options;
  readonly destination: ObjectStore;
  readonly client: SourceClient;
  readonly pool: BufferPool;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number, totalBytes: number | undefined) => void;
}

/** What one attempt adds to the outcome; who counts attempts and time adds the rest. */
export type ItemResult = Pick<
  Outcome,
  'outcome' | 'reason' | 'status' | 'bytes' | 'crc32' | 'sha256' | 'verified' | 'sourceEtag' | 'objectEtag'
>;

/**
 * One attempt on one item: open the source, check the answer, pass the bytes through meter and digests into parts, verify,
 * commit. Either the object is complete and proven as far as it can be, or nothing has become visible and nothing is left
 * open. Throws SkyhaulErrors only.
 */
export async function transferItem(job: ItemJob): Promise<ItemResult> {
  const { work, destination } = job;
  const existing = await destination.head(work.key);
  const before = beforeFetch({
    overwrite: job.options.overwrite,
    existing,
    run: job.run,
    line: work.line,
    source: sourceName(work.item.url),
    isDeclared: declaresBytes(work.item),
  });
  if (before.action === 'skip') return { outcome: 'skipped', reason: before.reason };
  if (before.action === 'adopt') return adopted(before.object);

  const source = await job.client.open({
    url: work.item.url,
    headers: { ...job.options.request?.headers, ...work.item.request?.headers, ...work.item.headers },
    ...(before.ifNoneMatch !== undefined && { ifNoneMatch: before.ifNoneMatch }),
    signal: job.signal,
  });
  if (source.status === 304) return { outcome: 'skipped', reason: 'unchanged', status: 304 };
  const opened = source as OpenedSource;
  try {
    if (isUnchanged(before.ifNoneMatch, existing, opened)) {
      return { outcome: 'skipped', reason: 'unchanged', status: opened.status };
    }
    return await store(job, opened, before, existing);
  } finally {
    await opened.close();
  }
}

async function store(
  job: ItemJob,
  source: OpenedSource,
  before: BeforeFetch & { action: 'fetch' },
  existing: StoredObject | undefined,
): Promise<ItemResult> {
  const { work, destination } = job;
  const { item } = work;
  const maxBytes = Math.min(item.maxBytes ?? job.options.maxBytes, destination.limits.maxObjectBytes);
  checkHeaders(item, source, maxBytes);
  const length = source.framing.kind === 'length' ? source.framing.bytes : undefined;
  const partBytes = partBytesFor(length, destination.limits);
  if (partBytes === undefined) throw tooLarge(destination.limits.maxObjectBytes);

  const digests = await Digests.of(item);
  const verified = verification(job, source);
  const object = describeObject(job, source, verified);
  const writer = new PartWriter({
    store: destination,
    key: work.key,
    object,
    partBytes,
    pool: job.pool,
    signal: job.signal,
  });
  const result = (outcome: 'stored' | 'skipped', sha256: string | undefined): ItemResult => ({
    outcome,
    status: source.status,
    bytes: writer.bytes,
    crc32: crc32Hex(writer.crc32),
    verified,
    ...(sha256 !== undefined && { sha256 }),
    ...(source.validators.strongEtag !== undefined && { sourceEtag: source.validators.strongEtag }),
  });
  try {
    for await (const chunk of source.body) {
      if (writer.bytes + chunk.length > maxBytes) throw tooLarge(maxBytes);
      digests.update(chunk);
      await writer.write(chunk);
      job.onBytes(writer.bytes, length);
    }
    checkLength(item, writer.bytes, maxBytes);
    const { sha256 } = digests.verify();
    const done = result('stored', sha256);
    if (job.options.overwrite === 'if-changed' && holdsSame(existing, writer)) {
      await writer.abort();
      return { ...done, outcome: 'skipped', reason: 'unchanged' };
    }
    const stored = await commit(job, writer, before);
    return { ...done, objectEtag: stored.etag };
  } catch (error) {
    await abandon(writer);
    throw toSkyhaulError(error);
  }
}

/** A source that says nothing changed says nothing about what the list declares. */
function declaresBytes({ size, sha256, md5, crc32c }: ItemWork['item']): boolean {
  return [size, sha256, md5, crc32c].some((declared) => declared !== undefined);
}

/** Who lost the race for the key has still done its work when the winner wrote the same bytes. */
async function commit(
  job: ItemJob,
  writer: PartWriter,
  before: BeforeFetch & { action: 'fetch' },
): Promise<StoredObject> {
  try {
    return await writer.commit(before.condition);
  } catch (error) {
    if (toSkyhaulError(error).name !== 'CommitConflict') throw error;
    const winner = await job.destination.head(job.work.key);
    if (!winner || !holdsSame(winner, writer)) throw error;
    await writer.abort();
    return winner;
  }
}

function holdsSame(object: StoredObject | undefined, writer: PartWriter): boolean {
  return object !== undefined && object.crc32 === writer.crc32 && object.bytes === writer.bytes;
}

/** The first error is the one that tells; an upload that cannot be aborted now is the janitor's. */
async function abandon(writer: PartWriter): Promise<void> {
  await writer.abort().catch(() => undefined);
}

function verification({ work: { item } }: ItemJob, source: OpenedSource): Verification {
  if (item.sha256 !== undefined || item.md5 !== undefined || item.crc32c !== undefined) return 'digest';
  if (source.framing.kind === 'length' || item.size !== undefined) return 'length';
  return source.framing.kind === 'chunked' ? 'chunked' : 'unverified';
}

function describeObject(job: ItemJob, source: OpenedSource, verified: Verification): ObjectOptions {
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

function adopted(object: StoredObject): ItemResult {
  const verified = object.metadata[META.verified] as Verification | undefined;
  const sourceEtag = object.metadata[META.etag];
  return {
    outcome: 'stored',
    bytes: object.bytes,
    objectEtag: object.etag,
    ...(object.crc32 !== undefined && { crc32: crc32Hex(object.crc32) }),
    ...(verified !== undefined && { verified }),
    ...(sourceEtag !== undefined && { sourceEtag }),
  };
}
