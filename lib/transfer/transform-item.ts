import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';
import { crc32Hex } from '../store/crc32.ts';
import type { Condition, ObjectOptions, StoredObject } from '../store/object-store.ts';
import type { ChainCounts, ChainRun } from '../transform/chain.ts';
import { adopted } from './adopt-object.ts';
import { beforeCommit, SAME_CONTENT, type Size, standsAlready } from './commit-policy.ts';
import { describeObject, verification } from './describe-object.ts';
import { wantedDigests } from './digests.ts';
import { Intake } from './intake.ts';
import type { ItemJob, ItemResult } from './item-job.ts';
import { OutputObject } from './output-object.ts';
import { isOfItem, META, markOfItem } from './overwrite-policy.ts';
import { fieldsMark } from './request-mark.ts';
import { sourceResult } from './source-result.ts';
import { aboutItem, type ItemTransform } from './transform-of.ts';

export interface TransformTarget {
  readonly existing: StoredObject | undefined;
  readonly condition: Condition;
  /** The source takes no ranges. */
  readonly isWhole: boolean;
}

/**
 * A source through a chain of transforms into one object, or several. The source is proven whole before anything becomes
 * visible: digests, size and framing are about what was fetched, the checksum of an object about what was stored. A body
 * is read in one go; when the invocation ends before it does, the item begins again in another one.
 */
export async function transformItem(
  job: ItemJob,
  transform: ItemTransform,
  source: OpenedSource,
  target: TransformTarget,
): Promise<ItemResult> {
  const intake = await Intake.of(job, source, target.isWhole);
  const object = describeOutput(job, transform, source);
  const run = transform.chain.run(intake.read(), aboutItem(job, source));
  try {
    const stored =
      run.kind === 'one' ? await storeOne(job, run, intake, object, target) : await storeMany(job, run, intake, object);
    return {
      ...sourceResult(job, source),
      ...stored,
      ...counted(run.counts),
    };
  } catch (error) {
    throw asTransformFailure(error);
  }
}

async function storeOne(
  job: ItemJob,
  run: ChainRun & { kind: 'one' },
  intake: Intake,
  object: ObjectOptions,
  { existing, condition }: TransformTarget,
): Promise<Partial<ItemResult>> {
  const output = openOutput(job, job.work.key, object);
  try {
    for await (const chunk of run.body) await output.write(chunk);
    const sums = await output.end();
    const { sha256 } = intake.verify();
    const result = { bytes: sums.bytes, crc32: crc32Hex(sums.crc32), ...(sha256 !== undefined && { sha256 }) };
    if (beforeCommit(job.options.overwrite, existing, sums, fieldsMark(job)) === 'unchanged') {
      await output.abort();
      return { ...result, ...SAME_CONTENT };
    }
    job.signal.throwIfAborted();
    const { etag } = await output.commit(condition);
    return { ...result, objectEtag: etag };
  } catch (error) {
    await output.abort().catch(() => undefined);
    const winner = toSkyhaulError(error).name === 'CommitConflict' ? await job.destination.head(output.key) : undefined;
    // Another attempt on this item was quicker; its object is as good as ours.
    if (winner && isOfItem(winner, markOfItem(job))) return adopted(winner);
    throw error;
  }
}

/** All objects of an archive wait, sent but not visible, until the archive is proven whole. */
async function storeMany(
  job: ItemJob,
  run: ChainRun & { kind: 'many' },
  intake: Intake,
  object: ObjectOptions,
): Promise<Partial<ItemResult>> {
  const held: { readonly output: OutputObject; readonly sums: Size }[] = [];
  const objects: string[] = [];
  let bytes = 0;
  try {
    for await (const { path, body } of run.objects) {
      const output = openOutput(job, `${job.work.key}/${path}`, object);
      const place = { output, sums: { bytes: 0, crc32: 0 } };
      held.push(place);
      for await (const chunk of body) await output.write(chunk);
      place.sums = await output.end(true);
      bytes += place.sums.bytes;
    }
    intake.verify();
    requireRoom(held.map(({ output }) => output.key));
    // Whoever stops from here on waits for all of them: some without the others would be half an archive.
    job.signal.throwIfAborted();
    const became: Became[] = [];
    for (let next = held[0]; next; next = held[0]) {
      const one = await commitUnlessThere(job, next.output, next.sums);
      became.push(one);
      if (one !== 'left') objects.push(next.output.key);
      held.shift();
    }
    if (became.length > 0 && !became.includes('written')) {
      return { outcome: 'skipped', reason: became.includes('left') ? 'exists' : 'unchanged', objects };
    }
    return { bytes, objects };
  } catch (error) {
    for (const { output } of held) await output.abort().catch(() => undefined);
    throw error;
  }
}

type Became = 'written' | 'same' | 'left';

/** `left`: the overwrite policy leaves what stands there alone. */
async function commitUnlessThere(job: ItemJob, output: OutputObject, sums: Size): Promise<Became> {
  const existing = await job.destination.head(output.key);
  const isLeft = existing !== undefined && job.options.overwrite === 'never';
  if (isLeft || standsAlready(existing, sums, fieldsMark(job))) {
    await output.abort();
    return isLeft ? 'left' : 'same';
  }
  await output.commit(existing ? { kind: 'matches', etag: existing.etag } : { kind: 'absent' });
  return 'written';
}

/** A directory cannot hold a file and a folder of one name, so no archive with both is stored anywhere. */
function requireRoom(keys: readonly string[]): void {
  const files = new Set(keys);
  for (const key of keys) {
    for (let at = key.lastIndexOf('/'); at > 0; at = key.lastIndexOf('/', at - 1)) {
      if (!files.has(key.slice(0, at))) continue;
      throw new SkyhaulError('TransformFailed', `untar: ${JSON.stringify(key.slice(0, at))} is a file and a folder`);
    }
  }
}

function openOutput({ destination, pool, signal, halt }: ItemJob, key: string, object: ObjectOptions): OutputObject {
  return new OutputObject({ store: destination, key, object, pool, signal, halt });
}

/** What the source says of its bytes, their type and coding, is not true of ours. */
function describeOutput(job: ItemJob, { mark }: ItemTransform, source: OpenedSource): ObjectOptions {
  const { item } = job.work;
  const verified = verification(item, source, wantedDigests(item, source.digests));
  const { metadata, contentType: _type, contentEncoding: _coding, ...object } = describeObject(job, source, verified);
  return {
    ...object,
    ...(item.contentType !== undefined && { contentType: item.contentType }),
    metadata: {
      ...metadata,
      [META.transform]: mark,
      ...(source.framing.kind === 'length' && { [META.bytes]: String(source.framing.bytes) }),
    },
  };
}

export function counted({ bytesIn, rowsIn, rowsOut }: ChainCounts): Partial<ItemResult> {
  return { bytesIn, ...(rowsIn !== undefined && { rowsIn }), ...(rowsOut !== undefined && { rowsOut }) };
}

/** Errors of our own keep their name; what a transform throws is its failure, with where it came from. */
export function asTransformFailure(error: unknown): unknown {
  if (error instanceof SkyhaulError) return error;
  const known = toSkyhaulError(error);
  if (known.name !== 'Unexpected') return known;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new SkyhaulError('TransformFailed', text, { cause: error });
}
