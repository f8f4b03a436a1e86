import type { Item } from '../contract/item.ts';
import { type Problem, problem } from '../contract/problem.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { checkItem } from './check-item.ts';
import type { ColumnNames } from './csv-columns.ts';
import { csvReader } from './csv-reader.ts';
import { jsonReader, type LineReader, type ReadLine, textReader } from './line-reader.ts';
import { formatOf, type ManifestFormat } from './manifest-format.ts';
import { type RawRecord, splitRecords } from './split-records.ts';
import { textBytes } from './text-bytes.ts';

/**
 * A list of any length, line after line, in memory that does not grow with it. A bad line is data, with everything that
 * is wrong with it; only a list that makes no sense as a whole is an error.
 */
export type ManifestLine = ListedItem | InvalidLine;

export interface ListedItem {
  /** Position from 0; blank lines, comments and the header do not count. */
  readonly index: number;
  /** Physical line from 1; where a record spans lines, its first one. */
  readonly line: number;
  /** With the URL as it will be asked for: normalised, without fragment. */
  readonly item: Item;
  /** Given or derived; valid, but perhaps another line's too: see KeyIndex. */
  readonly key: string;
}

export interface InvalidLine {
  readonly index: number;
  readonly line: number;
  readonly problems: readonly Problem[];
  readonly id?: string;
  /** Redacted. */
  readonly url?: string;
}

export interface ManifestSpec extends ColumnNames {
  /** File name or URI; tells the format when `format` does not. */
  readonly name: string;
  readonly format?: ManifestFormat | undefined;
}

export interface ReadLimits {
  /** Only the first n items are read. */
  readonly limit?: number | undefined;
  /** Lines past it are problems named `LimitReached`. */
  readonly maxItems?: number | undefined;
  /** What the destination's prefix leaves of a key's 1,024 bytes. */
  readonly maxKeyBytes?: number | undefined;
}

/**
 * @throws SkyhaulError `ManifestUnreadable` (format, gzip, columns), `NotSupported` (TsvHttpData-1.0), and whatever
 * `bytes` throws
 */
export async function* readManifest(
  bytes: AsyncIterable<Uint8Array>,
  spec: ManifestSpec,
  limits: ReadLimits = {},
): AsyncGenerator<ManifestLine, void> {
  const reader = readerFor(spec);
  let index = 0;
  for await (const records of splitRecords(textBytes(bytes), reader.delimiter)) {
    for (const record of records) {
      refuseHttpData(record);
      const read = reader.read(record);
      if (read === undefined) continue;
      yield judge(index, record.line, read, limits);
      index += 1;
      if (index === limits.limit) return;
    }
  }
  reader.end?.();
}

/** The same for inline items; `line` is the position, counted from 1. */
export function* readInlineItems(items: readonly unknown[], limits: ReadLimits = {}): Generator<ManifestLine, void> {
  for (const [index, value] of items.slice(0, limits.limit).entries()) yield judge(index, index + 1, { value }, limits);
}

function judge(index: number, line: number, read: ReadLine, limits: ReadLimits): ManifestLine {
  if (limits.maxItems !== undefined && index >= limits.maxItems) {
    const allowed = `at most ${limits.maxItems} lines (maxItems)`;
    return { index, line, problems: [problem('', allowed, allowed, 'LimitReached')] };
  }
  if ('problems' in read) return { index, line, problems: read.problems };
  const { ok, ...checked } = checkItem(read.value, limits.maxKeyBytes);
  return { index, line, ...checked };
}

function readerFor(spec: ManifestSpec): LineReader {
  const format = spec.format ?? formatOf(spec.name);
  if (format === 'csv') return csvReader(',', spec);
  if (format === 'tsv') return csvReader('\t', spec);
  if (spec.urlColumn !== undefined || spec.keyColumn !== undefined) {
    throw new SkyhaulError('ManifestUnreadable', `columns can be chosen for csv and tsv only; this list is ${format}`);
  }
  return format === 'jsonl' ? jsonReader : textReader;
}

/** Google's URL list, whose columns have other meanings. As txt or tsv every line of it would be called invalid. */
function refuseHttpData(record: RawRecord): void {
  if (record.line === 1 && 'text' in record && record.text.trim() === 'TsvHttpData-1.0') {
    throw new SkyhaulError('NotSupported', 'a list in the format `TsvHttpData-1.0` is not supported yet');
  }
}
