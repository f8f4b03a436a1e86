import type { Item } from '../contract/item.ts';
import { MAX_LINE_BYTES } from '../contract/limits.ts';
import { type Problem, problem } from '../contract/problem.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { checkItem } from './check-item.ts';
import { chooseReader } from './choose-reader.ts';
import type { ColumnNames } from './csv-columns.ts';
import type { KeyTemplate } from './key-template.ts';
import type { ReadItem, ReadLine } from './line-reader.ts';
import type { ManifestFormat } from './manifest-format.ts';
import { splitRecords } from './split-records.ts';
import { peekLine, textBytes } from './text-bytes.ts';
import { PackedDataError } from './unpack-list.ts';

/**
 * A list of any length, line after line, in memory that does not grow with it. A bad line is data, with everything that
 * is wrong with it; only a list that makes no sense as a whole is an error.
 */
export type ManifestLine = ListedItem | InvalidLine;

export interface ListedItem {
  /** Position from 0; blank lines, comments and the header do not count. */
  readonly index: number;
  /** Physical line from 1; where a record spans lines, its first one. A pattern makes several items of one line. */
  readonly line: number;
  /** With the URL as it will be asked for: normalised, without fragment. */
  readonly item: Item;
  /** Given or made; valid, but perhaps another line's too: see KeyIndex. */
  readonly key: string;
  /** Where in the key `{filename}` stands, until the source has answered. */
  readonly nameAt?: number;
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
  /** Patterns in a text list are as many URLs as they have texts. @default true */
  readonly expand?: boolean | undefined;
}

export interface ReadLimits {
  /** Items past it are problems named `LimitReached`. */
  readonly maxItems?: number | undefined;
  /** What the destination's prefix leaves of a key's 1,024 bytes. */
  readonly maxKeyBytes?: number | undefined;
  /** Of items that name no key. @default `{host}/{path}` */
  readonly template?: KeyTemplate | undefined;
  /** What is wrong with an item that its schema takes. */
  readonly judgeItem?: ((item: Item) => readonly Problem[]) | undefined;
}

/**
 * @throws SkyhaulError `ManifestUnreadable` (format, packing, columns), and whatever `bytes` throws
 */
export async function* readManifest(
  bytes: AsyncIterable<Uint8Array>,
  spec: ManifestSpec,
  limits: ReadLimits = {},
): AsyncGenerator<ManifestLine, void> {
  const text = textBytes(bytes, limits);
  let index = 0;
  let line = 0;
  try {
    const { head, whole } = await peekLine(text, MAX_LINE_BYTES);
    const reader = chooseReader(spec, head, limits.template?.columns ?? []);
    for await (const records of splitRecords(whole, reader.delimiter)) {
      for (const record of records) {
        line = record.line;
        const read = reader.read(record);
        if (read === undefined) continue;
        for (const judged of judge(index, line, read, limits)) {
          yield judged;
          index += 1;
        }
      }
    }
    reader.end?.();
  } catch (error) {
    if (!(error instanceof PackedDataError)) throw error;
    const message = `the list ${error.message}, ${line === 0 ? 'before its first line' : `behind its line ${line}`}`;
    throw new SkyhaulError('ManifestUnreadable', message, { cause: error });
  } finally {
    await text.return(undefined);
  }
}

/** The same for inline items; `line` is the position, counted from 1. */
export function* readInlineItems(items: readonly unknown[], limits: ReadLimits = {}): Generator<ManifestLine, void> {
  for (const [index, value] of items.entries()) {
    yield* judge(index, index + 1, { value }, limits);
  }
}

function* judge(index: number, line: number, read: ReadLine, limits: ReadLimits): Generator<ManifestLine> {
  const { maxItems = Number.POSITIVE_INFINITY } = limits;
  const allowed = `at most ${maxItems} items (maxItems)`;
  if (index >= maxItems) {
    yield { index, line, problems: [problem('', allowed, allowed, 'LimitReached')] };
  } else if ('problems' in read) {
    yield { index, line, problems: read.problems };
  } else if ('value' in read) {
    yield judgeItem(index, line, read, limits);
  } else {
    const { count, at } = read.pattern;
    if (index + count > maxItems) {
      // One problem, before the first of them is made: they may be more than anybody can count.
      const text = `the pattern makes ${shownCount(count)} URLs, with those before it more than ${maxItems} (maxItems)`;
      yield { index, line, problems: [problem('url', allowed, text, 'LimitReached')] };
      return;
    }
    for (let n = 0; n < count; n += 1) yield judgeItem(index + n, line, { value: { url: at(n) } }, limits);
  }
}

function judgeItem(index: number, line: number, { value, columns }: ReadItem, limits: ReadLimits): ManifestLine {
  const { template, maxKeyBytes } = limits;
  // Where every line has a key, as in a failed list, nothing is missing.
  const columnsOf = () => columns ?? (template && template.columns.length > 0 ? noColumns(line) : undefined);
  const makeKey =
    template &&
    ((url: URL, { id }: Item) =>
      template.keyOf({ url, id, line, item: index + 1, columns: columnsOf(), maxBytes: maxKeyBytes }));
  const { ok, ...checked } = checkItem(value, maxKeyBytes, limits.judgeItem, makeKey);
  return { index, line, ...checked };
}

function noColumns(line: number): never {
  const message = 'the template of the keys names a column; csv and tsv have some, this list has none';
  throw new SkyhaulError('ManifestUnreadable', `${message}, and line ${line} has no key`);
}

function shownCount(count: number): string {
  return Number.isSafeInteger(count) ? String(count) : 'too many';
}
