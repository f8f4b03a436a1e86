import { createHash } from 'node:crypto';
import type { Item } from '../contract/item.ts';
import type { Options } from '../contract/options.ts';
import { redactUrl } from '../errors/redact-url.ts';
import type { OpenedSource } from '../source/source.ts';
import type { Condition, StoredObject } from '../store/object-store.ts';
import type { ItemJob } from './item-job.ts';

/** What an object of ours says about itself. The source stands there without query and user info. */
export const META = {
  run: 'skyhaul-run',
  line: 'skyhaul-line',
  /** Position in the list, where the key alone does not tell items of one line apart. */
  item: 'skyhaul-item',
  source: 'skyhaul-source',
  etag: 'skyhaul-source-etag',
  /** When the source changed last, as it says. */
  modified: 'skyhaul-source-modified',
  /** Only these bytes of it, as they were asked for. */
  range: 'skyhaul-source-range',
  /** Where there is no strong ETag: what the source can be asked with again. */
  weakEtag: 'skyhaul-source-weak-etag',
  settled: 'skyhaul-source-settled',
  verified: 'skyhaul-verified',
  /** Of the bytes that came, proven before they were stored. */
  sha256: 'skyhaul-sha256',
  md5: 'skyhaul-md5',
  crc32c: 'skyhaul-crc32c',
  /** Their number, where transforms made other ones of them. */
  bytes: 'skyhaul-source-bytes',
  /** Query and headers that it was asked for with, as a digest; none: a plain URL. */
  request: 'skyhaul-request',
  /** What the list set beside its bytes, as a digest; none: nothing. */
  fields: 'skyhaul-fields',
  /** Which transforms made it; none: it is what the source sent. */
  transform: 'skyhaul-transform',
} as const;

/** S3 keeps 2 KiB of metadata in all. */
const MAX_SOURCE_NAME = 512;

/** The URL as an object's metadata shows it: ASCII, since it is a header. A long one ends in a digest of the whole. */
export function sourceName(url: string): string {
  const name = redactUrl(url).replaceAll('…', '...');
  if (name.length <= MAX_SOURCE_NAME) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${name.slice(0, MAX_SOURCE_NAME - digest.length - 1)}#${digest}`;
}

/** How an object is made of its source: two that were made alike are the same, but for whose they are. */
export interface Making {
  /** What the source is asked with, beside its URL. */
  readonly request?: string | undefined;
  /** What is stored beside its bytes. */
  readonly fields?: string | undefined;
  /** What it is made by. */
  readonly transform?: string | undefined;
  /** Only these bytes of the source. */
  readonly range?: string | undefined;
}

/** Whether its bytes are what such a request and such transforms make. */
export function isMadeOf({ metadata }: StoredObject, { request, transform, range }: Omit<Making, 'fields'>): boolean {
  return metadata[META.request] === request && metadata[META.transform] === transform && metadata[META.range] === range;
}

/** The same of the bytes and what stands beside them. */
export function isMadeAlike(object: StoredObject, making: Making): boolean {
  return isMadeOf(object, making) && object.metadata[META.fields] === making.fields;
}

export type BeforeFetch =
  | { readonly action: 'skip'; readonly reason: 'exists' | 'unchanged'; readonly message: string }
  /** This run stored it already; the row that said so was lost. */
  | { readonly action: 'adopt'; readonly object: StoredObject }
  | ({ readonly action: 'fetch'; readonly condition: Condition } & Conditions);

/** By what the source may find that nothing changed (RFC 9110 13.1.2, 13.1.3). */
export interface Conditions {
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince?: string | undefined;
}

/** What the list says of the bytes. */
export type Declared = Pick<Item, 'size' | 'sha256' | 'md5' | 'crc32c'>;

/** What an attempt on an item writes into its object. */
export interface ItemMark {
  /** Name and start of the run. */
  readonly run: string;
  readonly line: number;
  /** Redacted URL of the source. */
  readonly source: string;
  /** Position in the list, of an item whose name came from its source. */
  readonly item?: number | undefined;
}

export function markOfItem({ run, work }: Pick<ItemJob, 'run' | 'work'>): ItemMark {
  const item = work.nameAt === undefined ? undefined : work.index;
  return { run, line: work.line, source: sourceName(work.item.url), item };
}

/** Whether some attempt of this run stored the object for this very item. */
export function isOfItem({ metadata }: StoredObject, { run, line, source, item }: ItemMark): boolean {
  if (metadata[META.item] !== (item === undefined ? undefined : String(item))) return false;
  return metadata[META.run] === run && metadata[META.line] === String(line) && metadata[META.source] === source;
}

/** Looks at the target before the source is asked: pure. */
export function beforeFetch(
  facts: ItemMark &
    Making & {
      readonly overwrite: Options['overwrite'];
      readonly existing: StoredObject | undefined;
      readonly declared?: Declared;
      /** What a POST answers has no version that could be compared. */
      readonly isPost?: boolean;
    },
): BeforeFetch {
  const { existing, overwrite, declared = {} } = facts;
  if (!existing) return { action: 'fetch', condition: { kind: 'absent' }, ifNoneMatch: undefined };
  if (isOfItem(existing, facts)) return { action: 'adopt', object: existing };
  const isSameSource = existing.metadata[META.source] === facts.source;
  if (overwrite === 'never') return { action: 'skip', reason: 'exists', message: 'something stands there' };
  const mayBeUnchanged = overwrite === 'if-changed' && isMadeAlike(existing, facts) && facts.isPost !== true;
  const declaredBy = mayBeUnchanged ? digestHeld(existing, declared) : undefined;
  if (declaredBy !== undefined) {
    return { action: 'skip', reason: 'unchanged', message: `has the declared ${declaredBy}` };
  }
  const mayAsk = mayBeUnchanged && isSameSource && !contradicts(existing, declared);
  return {
    action: 'fetch',
    condition: { kind: 'matches', etag: existing.etag },
    ...(mayAsk ? conditionsOf(existing) : { ifNoneMatch: undefined }),
  };
}

const DIGESTS = ['sha256', 'md5', 'crc32c'] as const;

/**
 * The digest of the list that the bytes had of which the object was made: then they need not be asked for at all. All that
 * the list declares must fit.
 */
function digestHeld(existing: StoredObject, declared: Declared): string | undefined {
  const given = DIGESTS.filter((name) => declared[name] !== undefined);
  const areHeld = given.every((name) => existing.metadata[META[name]] === declared[name]);
  const hasSize = declared.size === undefined || sourceBytes(existing) === declared.size;
  return areHeld && hasSize ? given[0] : undefined;
}

/** The object is known not to be of the declared bytes, or not known to be: a source that says 304 proves nothing of it. */
function contradicts(existing: StoredObject, { size, ...digests }: Declared): boolean {
  if (DIGESTS.some((name) => digests[name] !== undefined)) return true;
  return size !== undefined && sourceBytes(existing) !== size;
}

/** Of what came from the source; unknown where transforms made the object before this was noted. */
function sourceBytes({ bytes, metadata }: StoredObject): number | undefined {
  const noted = metadata[META.bytes];
  if (noted !== undefined) return Number(noted);
  return metadata[META.transform] === undefined ? bytes : undefined;
}

/**
 * A strong ETag alone. Else a weak one and the date, of which a source that knows both goes by the first. A date that was
 * too fresh to be one version's (RFC 9110 8.8.2.2) was not noted, and takes a weak ETag of the same moment with it.
 */
function conditionsOf({ metadata }: StoredObject): Conditions {
  const strong = metadata[META.etag];
  if (strong !== undefined) return { ifNoneMatch: strong };
  const settled = metadata[META.settled];
  if (metadata[META.modified] !== undefined && settled === undefined) return { ifNoneMatch: undefined };
  return { ifNoneMatch: metadata[META.weakEtag], ifModifiedSince: settled };
}

/**
 * Whether an answer that came in full is what the object holds already: by the strong validator, and the length where the
 * answer tells it; else by everything that was asked with and the length, which then must be told. Why, in a few words.
 */
export function whyUnchanged(
  { ifNoneMatch, ifModifiedSince }: Conditions,
  existing: StoredObject | undefined,
  { framing, validators }: Pick<OpenedSource, 'framing' | 'validators'>,
): string | undefined {
  if (!existing) return undefined;
  const length = framing.kind === 'length' ? framing.bytes : undefined;
  const held = sourceBytes(existing);
  const { strongEtag, weakEtag, lastModified } = validators;
  if (ifNoneMatch !== undefined && strongEtag === ifNoneMatch) {
    return length === undefined || held === undefined || length === held ? 'same ETag' : undefined;
  }
  if (length === undefined || length !== held || strongEtag !== undefined) return undefined;
  if (ifNoneMatch === undefined && ifModifiedSince === undefined) return undefined;
  // An ETag where there was none, or the other way round, is a change of some kind.
  if (weakEtag !== ifNoneMatch || lastModified !== ifModifiedSince) return undefined;
  return ifNoneMatch === undefined ? 'same Last-Modified and length' : 'same weak ETag and length';
}
