import { nearest } from '../contract/issue-problems.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/**
 * Which columns of a CSV or TSV make an item. The URL's is found by its usual names; those of `key`, `id`, `size`, `sha256`,
 * `md5` and `crc32c` by theirs, in any case. All others belong to somebody else and are ignored. Nothing is guessed: of
 * several candidates the one that is written exactly so counts, else they are an error that names the columns.
 */
export interface ColumnNames {
  readonly urlColumn?: string | undefined;
  readonly keyColumn?: string | undefined;
}

/** Compared in lower case, without blanks, `_` and `-`: `Download URL` is `downloadurl`. */
const URL_NAMES: ReadonlySet<string> = new Set(['url', 'uri', 'href', 'link', 'downloadurl', 'fileurl', 'sourceurl']);
const OTHER_NAMES = ['id', 'size', 'sha256', 'md5', 'crc32c'] as const;
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

  const { urlColumn, keyColumn } = given;
  const url = called('url', names, URL_NAMES);
  columns.set(
    'url',
    urlColumn === undefined
      ? theOne(url, names, 'the URLs', 'choose with --url-column')
      : theNamed(urlColumn, names, '--url-column'),
  );

  const key = called('key', names);
  if (keyColumn !== undefined) columns.set('key', theNamed(keyColumn, names, '--key-column'));
  else if (key.length > 0) columns.set('key', theOne(key, names, 'the keys', 'choose with --key-column'));

  for (const field of OTHER_NAMES) {
    const at = called(field, names);
    if (at.length > 0) columns.set(field, theOne(at, names, `\`${field}\``, ONE));
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
  return new Map(wanted.map((column) => [column, theNamed(column, names, 'wanted by the key template')]));
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

function matching(names: readonly string[], test: (name: string) => boolean): number[] {
  return names.flatMap((name, at) => (test(name) ? [at] : []));
}

/** Columns called so, however it is written; those written exactly so, where nothing else is called otherwise. */
function called(field: string, names: readonly string[], also: ReadonlySet<string> = new Set([field])): number[] {
  const found = matching(names, (name) => also.has(plain(name)));
  const exact = found.filter((at) => names[at] === field);
  return exact.length > 0 && found.every((at) => plain(names[at] ?? '') === field) ? exact : found;
}

const ONE = 'leave one of that name';

function theOne(found: readonly number[], names: readonly string[], what: string, cure: string): number {
  const [at] = found;
  if (at !== undefined && found.length === 1) return at;
  const problem = found.length === 0 ? `no column holds ${what}` : `${found.length} columns may hold ${what}`;
  throw unreadable(`${problem}: found ${shown(names)}; ${headerFault(names) ?? cure}`);
}

/** `by`: who calls it so. */
function theNamed(column: string, names: readonly string[], by: string): number {
  const found = matching(names, (name) => name === column);
  if (found.length > 0) return theOne(found, names, `\`${shownColumn(column)}\``, ONE);
  const near = nearest(column, names);
  const hint = headerFault(names) ?? (near === undefined ? undefined : `did you mean \`${shownColumn(near)}\`?`);
  const problem = `there is no column \`${shownColumn(column)}\` (${by}): found ${shown(names)}`;
  throw unreadable(hint === undefined ? problem : `${problem}; ${hint}`);
}

/** A first line that is no header, or one with other separators. */
function headerFault(names: readonly string[]): string | undefined {
  const [only = ''] = names;
  if (names.some((name) => name.includes('://'))) return 'the first line must name the columns, not hold a URL';
  if (names.length > 1) return undefined;
  if (only.includes('\t')) return 'it is separated by tabs: give --format tsv';
  if (only.includes(',')) return 'it is separated by commas: give --format csv';
  const [separator] = /[;|]/.exec(only) ?? [];
  return (
    separator && `it is separated by "${separator}": columns are read with commas, and as tsv with tabs between them`
  );
}

function shown(names: readonly string[]): string {
  const listed = names.slice(0, MAX_SHOWN).map((name) => `\`${shownColumn(name)}\``);
  return names.length > MAX_SHOWN ? `${listed.join(', ')} and ${names.length - MAX_SHOWN} more` : listed.join(', ');
}

/** Names of columns have blanks; what looks like a URL, an address or a parameter may be a line that holds a secret. */
function shownColumn(name: string): string {
  return /^[\p{L}\p{M}\p{N}\p{Zs}_$.,;|()#/+*'-]{1,64}$/u.test(name) ? name : '(unreadable name)';
}

function unreadable(message: string): SkyhaulError {
  return new SkyhaulError('ManifestUnreadable', message);
}
