import type { Options } from '../contract/options.ts';
import { redactUrl } from '../errors/redact-url.ts';
import type { OpenedSource } from '../source/source.ts';
import type { Condition, StoredObject } from '../store/object-store.ts';
import type { ItemJob } from './item-job.ts';

/** What an object of ours says about itself. The source stands there without query and user info. */
export const META = {
  run: 'skyhaul-run',
  line: 'skyhaul-line',
  source: 'skyhaul-source',
  etag: 'skyhaul-source-etag',
  /** When the source changed last, as it says. */
  modified: 'skyhaul-source-modified',
  /** Only these bytes of it, as they were asked for. */
  range: 'skyhaul-source-range',
  verified: 'skyhaul-verified',
  /** Query and headers that it was asked for with, as a digest; none: a plain URL. */
  request: 'skyhaul-request',
  /** Which transforms made it; none: it is what the source sent. */
  transform: 'skyhaul-transform',
} as const;

/** The URL as an object's metadata shows it: ASCII, since it is a header; S3 keeps 2 KiB of metadata in all. */
export function sourceName(url: string): string {
  return redactUrl(url).replaceAll('…', '...').slice(0, 1_024);
}

export type BeforeFetch =
  | { readonly action: 'skip'; readonly reason: 'exists' }
  /** This run stored it already; the row that said so was lost. */
  | { readonly action: 'adopt'; readonly object: StoredObject }
  | { readonly action: 'fetch'; readonly condition: Condition; readonly ifNoneMatch: string | undefined };

/** What an attempt on an item writes into its object. */
export interface ItemMark {
  /** Name and start of the run. */
  readonly run: string;
  readonly line: number;
  /** Redacted URL of the source. */
  readonly source: string;
}

export function markOfItem({ run, work }: Pick<ItemJob, 'run' | 'work'>): ItemMark {
  return { run, line: work.line, source: sourceName(work.item.url) };
}

/** Whether some attempt of this run stored the object for this very item. */
export function isOfItem({ metadata }: StoredObject, { run, line, source }: ItemMark): boolean {
  return metadata[META.run] === run && metadata[META.line] === String(line) && metadata[META.source] === source;
}

/** Looks at the target before the source is asked: pure. */
export function beforeFetch(
  facts: ItemMark & {
    readonly overwrite: Options['overwrite'];
    readonly existing: StoredObject | undefined;
    /** The list says what size or digest the bytes must have. */
    readonly isDeclared: boolean;
    /** What the source is asked with, beside its URL. */
    readonly request?: string | undefined;
    /** What the object is to be made by. */
    readonly transform?: string | undefined;
    /** Only these bytes of the source are wanted. */
    readonly range?: string | undefined;
    /** What a POST answers has no version that could be compared. */
    readonly isPost?: boolean;
  },
): BeforeFetch {
  const { existing, overwrite } = facts;
  if (!existing) return { action: 'fetch', condition: { kind: 'absent' }, ifNoneMatch: undefined };
  if (isOfItem(existing, facts)) return { action: 'adopt', object: existing };
  const isSameSource = existing.metadata[META.source] === facts.source;
  if (overwrite === 'never') return { action: 'skip', reason: 'exists' };
  const isMadeAlike =
    existing.metadata[META.transform] === facts.transform &&
    existing.metadata[META.range] === facts.range &&
    existing.metadata[META.request] === facts.request &&
    facts.isPost !== true;
  const mayBeUnchanged = overwrite === 'if-changed' && isSameSource && isMadeAlike && !facts.isDeclared;
  return {
    action: 'fetch',
    condition: { kind: 'matches', etag: existing.etag },
    ifNoneMatch: mayBeUnchanged ? existing.metadata[META.etag] : undefined,
  };
}

/** Whether an answer that came in full is what the object holds already, by the strong validator and the length. */
export function isUnchanged(ifNoneMatch: string | undefined, existing: StoredObject | undefined, source: OpenedSource) {
  if (ifNoneMatch === undefined || !existing) return false;
  const hasSameLength = source.framing.kind !== 'length' || source.framing.bytes === existing.bytes;
  return source.validators.strongEtag === ifNoneMatch && hasSameLength;
}
