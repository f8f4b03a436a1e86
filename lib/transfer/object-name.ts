import { MAX_KEY_BYTES } from '../contract/limits.ts';
import type { ItemWork } from '../contract/work.ts';
import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import { cleanPart, FILENAME, finishKey, plainPathNames } from '../manifest/object-key.ts';
import type { OpenedSource } from '../source/source.ts';
import type { StoredObject } from '../store/object-store.ts';
import { parseS3Uri } from '../store/s3-uri.ts';
import type { ItemJob } from './item-job.ts';
import { isMadeOf, isOfItem, META, markOfItem } from './overwrite-policy.ts';
import { requestMark } from './request-mark.ts';

/**
 * Items whose key is not known before their source has answered (`{filename}` in the template of the keys). Nobody can
 * find collisions of them beforehand, so each looks whose object stands under its name, and the condition of the commit
 * finds who came meanwhile: the second one fails, on whichever worker it runs.
 */
export function isNamedLate({ nameAt }: ItemWork): boolean {
  return nameAt !== undefined;
}

/** The item with its key: the name that the source gives the file, else the last part of its final URL, cleaned. */
export function nameItem(
  work: ItemWork,
  { fileName, finalUrl }: Pick<OpenedSource, 'fileName' | 'finalUrl'>,
  storeUri: string,
): ItemWork {
  const { nameAt = 0 } = work;
  const name = cleanPart(fileName ?? plainPathNames(finalUrl).at(-1) ?? '');
  const parts = `${work.key.slice(0, nameAt)}${name}${work.key.slice(nameAt + FILENAME.length)}`.split('/');
  return { ...work, key: finishKey(parts, MAX_KEY_BYTES - prefixBytes(storeUri), `${work.item.url} ${name}`) };
}

function prefixBytes(storeUri: string): number {
  return storeUri.startsWith('s3://') ? Buffer.byteLength(parseS3Uri(storeUri).prefix) : 0;
}

/**
 * Throws KeyConflict where another item of this run has the name, also where this one's key was known beforehand. With
 * `if-changed` also where something else had it in an earlier run: what that stored is left alone when it has not changed,
 * and would be lost here. `transform` is the mark of this item's.
 */
export function requireOwnName(
  job: Pick<ItemJob, 'run' | 'work' | 'options'>,
  existing: StoredObject | undefined,
  transform: string | undefined,
): void {
  const mark = markOfItem(job);
  if (!existing || isOfItem(existing, mark)) return;
  const { work } = job;
  const { [META.run]: run, [META.line]: line, [META.source]: source, [META.item]: item } = existing.metadata;
  // Keys that were known beforehand have been compared by Plan.
  if (run === job.run && (isNamedLate(work) || item !== undefined)) {
    throw new SkyhaulError(
      'KeyConflict',
      `line ${line} of this run has stored ${source} as ${JSON.stringify(work.key)}`,
    );
  }
  if (!isNamedLate(work) || source === undefined || job.options.overwrite !== 'if-changed') return;
  const making = { request: requestMark(job), transform, range: work.item.range };
  if (source === mark.source && isMadeOf(existing, making)) return;
  const text = `${JSON.stringify(work.key)} was made of ${source}${source === mark.source ? ', asked for otherwise' : ''}`;
  throw new SkyhaulError('KeyConflict', `${text}; overwrite: always replaces it`);
}

/** Who won the race for a name may be another item of the run. */
export async function explainConflict(
  job: Pick<ItemJob, 'run' | 'work' | 'options' | 'destination'>,
  failure: SkyhaulError,
  transform: string | undefined,
): Promise<SkyhaulError> {
  if (failure.name !== 'CommitConflict') return failure;
  try {
    requireOwnName(job, await job.destination.head(job.work.key), transform);
    return failure;
  } catch (error) {
    return toSkyhaulError(error);
  }
}

/** What an item compares its bytes with: under a name that nobody has marked, a later item would take it for free. */
export function comparable(work: ItemWork, existing: StoredObject | undefined): StoredObject | undefined {
  return isNamedLate(work) && existing?.metadata[META.source] === undefined ? undefined : existing;
}
