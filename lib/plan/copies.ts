import type { Item } from '../contract/item.ts';
import type { OutcomeRow } from '../contract/ledger-row.ts';
import { methodOf } from '../contract/method-of.ts';
import type { Options } from '../contract/options.ts';
import { makesMany } from '../contract/transform.ts';
import type { Listed } from '../contract/work.ts';
import type { ErrorName } from '../errors/catalogue.ts';
import { failedRow } from './failed-row.ts';
import type { Left } from './status.ts';

/**
 * Lines that ask for the same under keys of their own, with `duplicates: copy`: pure. The first is fetched, the others wait
 * for it: its object is copied for them, or they fail as it did, without anyone asking the source again.
 */

/** Whether it makes one object, of bytes that are the same for whoever asks, under a key that is known beforehand. */
export function isCopyable({ item, nameAt }: Pick<Listed, 'item' | 'nameAt'>, options: Options): boolean {
  const { duplicates, transform, storageClass } = options;
  if (duplicates !== 'copy' || nameAt !== undefined) return false;
  // Nobody can read what is archived.
  if (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE') return false;
  return makesObject(item) && methodOf(item, options).method === 'GET' && !makesMany(item.transform ?? transform);
}

function makesObject({ result = 'object' }: Item): boolean {
  return result === 'object';
}

/** They say something of the first line's key, nothing of what it asked for. */
const ABOUT_KEY: ReadonlySet<ErrorName | undefined> = new Set<ErrorName>([
  'KeyRefused',
  'KeyConflict',
  'CommitConflict',
]);

export type AfterFirst = { readonly left: Left } | { readonly failed: OutcomeRow };

/** What becomes of a line that waited, now that the first one is done; `undefined`: nobody knows how. */
export function afterFirst(waiting: Left, first: OutcomeRow | undefined): AfterFirst {
  const { waitsFor: _, ...item } = waiting;
  if (first?.outcome === 'failed' && !ABOUT_KEY.has(first.error)) return { failed: failedAs(waiting, first) };
  const isThere = first?.outcome === 'stored' || first?.reason === 'unchanged';
  if (!isThere || first.key === undefined) return { left: item };
  const { line, key, objectEtag: etag, bytes = item.bytes } = first;
  const copyOf = { line, key, ...(etag !== undefined && { etag }) };
  return { left: { ...item, ...(bytes !== undefined && { bytes }), copyOf } };
}

function failedAs(waiting: Left, { line, error, message, status }: OutcomeRow): OutcomeRow {
  const why = `line ${line} asks for the same and failed${message === undefined ? '' : `: ${message}`}`;
  return failedRow(waiting, { ...(error !== undefined && { error }), message: why, status, attempts: 0 });
}
