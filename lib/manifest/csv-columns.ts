import { shownName } from '../contract/problem.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/**
 * Which columns of a CSV or TSV make an item. The URL's is found by its usual names in any case; `key` too; `id`, `size`,
 * `sha256`, `md5` and `crc32c` must be written exactly so. All others belong to somebody else and are ignored. Nothing is
 * guessed: several candidates, or none, are an error that names the columns.
 */
export interface ColumnNames {
  readonly urlColumn?: string | undefined;
  readonly keyColumn?: string | undefined;
}

/** Compared in lower case, without blanks, `_` and `-`: `Download URL` is `downloadurl`. */
const URL_NAMES: ReadonlySet<string> = new Set(['url', 'uri', 'href', 'link', 'downloadurl', 'fileurl', 'sourceurl']);
const EXACT_NAMES = ['id', 'size', 'sha256', 'md5', 'crc32c'] as const;
const MAX_SHOWN = 20;

export type Columns = ReadonlyMap<string, number>;

/**
 * Field of an item → position of its column.
 *
 * @throws SkyhaulError `ManifestUnreadable`
 */
export function findColumns(header: readonly string[], given: ColumnNames): Columns {
  const names = header.map((name) => name.trim());
  const columns = new Map<string, number>();

  const url =
    given.urlColumn === undefined
      ? matching(names, (name) => URL_NAMES.has(plain(name)))
      : matching(names, (name) => name === given.urlColumn);
  columns.set('url', theOne(url, names, 'the URLs', '--url-column'));

  const key =
    given.keyColumn === undefined
      ? matching(names, (name) => plain(name) === 'key')
      : matching(names, (name) => name === given.keyColumn);
  if (key.length > 0 || given.keyColumn !== undefined)
    columns.set('key', theOne(key, names, 'the keys', '--key-column'));

  for (const field of EXACT_NAMES) {
    const at = matching(names, (name) => name === field);
    if (at.length > 0) columns.set(field, theOne(at, names, `\`${field}\``, 'one column of that name'));
  }
  return columns;
}

/**
 * Columns that the template of the keys names, exactly as they are called → position.
 *
 * @throws SkyhaulError `ManifestUnreadable`
 */
export function findKeyColumns(header: readonly string[], wanted: readonly string[]): Columns {
  const names = header.map((name) => name.trim());
  return new Map(
    wanted.map((column) => {
      const at = matching(names, (name) => name === column);
      return [column, theOne(at, names, `\`${shownName(column)}\` of the key template`, 'one column of that name')];
    }),
  );
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

function matching(names: readonly string[], test: (name: string) => boolean): number[] {
  return names.flatMap((name, at) => (test(name) ? [at] : []));
}

function theOne(found: readonly number[], names: readonly string[], what: string, cure: string): number {
  const [at] = found;
  if (at !== undefined && found.length === 1) return at;
  const problem = found.length === 0 ? `no column holds ${what}` : `${found.length} columns may hold ${what}`;
  const hint = names.some((name) => name.includes('://'))
    ? '; the first line must name the columns, not hold a URL'
    : '';
  throw new SkyhaulError('ManifestUnreadable', `${problem}: found ${shown(names)}; choose with ${cure}${hint}`);
}

function shown(names: readonly string[]): string {
  const listed = names.slice(0, MAX_SHOWN).map((name) => `\`${shownName(name)}\``);
  return names.length > MAX_SHOWN ? `${listed.join(', ')} and ${names.length - MAX_SHOWN} more` : listed.join(', ');
}
