import { hash } from 'node:crypto';
import { nearest } from '../contract/issue-problems.ts';
import { type Problem, problem } from '../contract/problem.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { checkKey, cleanPart, finishKey, finishUnnamed, hostName, pathNames, plainPathNames } from './object-key.ts';

/**
 * The template of the keys, read once: `{host}/{date}/{line:7}{ext}`. A value is cleaned before it is put in, so that
 * nothing in a list leads out of the destination; what the template itself says is taken as it stands, or refused. The
 * same line always gives the same key.
 */
export interface KeyTemplate {
  /** Columns of the list that it wants. */
  readonly columns: readonly string[];
  readonly keyOf: (facts: KeyFacts) => MadeKey;
}

export interface KeyFacts {
  /** As it will be asked for. */
  readonly url: URL;
  readonly id?: string | undefined;
  /** Of the list, from 1. */
  readonly line: number;
  /** Position among the items, from 1. */
  readonly item: number;
  readonly columns?: ReadonlyMap<string, string> | undefined;
  /** What the destination's prefix leaves of a key's 1,024 bytes. */
  readonly maxBytes?: number | undefined;
}

export type MadeKey =
  | {
      readonly ok: true;
      readonly key: string;
      /** Where `{filename}` stands in it, to be put in when the source has answered. */
      readonly nameAt?: number;
    }
  | { readonly ok: false; readonly problem: Problem };

const PLACEHOLDER = /\{([^{}]*)\}/g;
const MAX_LINE_DIGITS = 12;
const URL_DIGITS = 64;

/** What a placeholder is for one line; undefined: the line has none. */
type Value = (facts: KeyFacts) => string | undefined;

const VALUES: Readonly<Record<string, Value>> = {
  host: ({ url }) => hostName(url),
  path: ({ url }) => pathNames(url).join('/'),
  query: ({ url }) => url.search.slice(1),
  basename: ({ url }) => plainPathNames(url).at(-1),
  ext: ({ url }) => /\.[A-Za-z0-9]{1,10}$/.exec(plainPathNames(url).at(-1) ?? '')?.[0] ?? '',
  line: ({ line }) => String(line),
  item: ({ item }) => String(item),
  id: ({ id }) => id,
  'sha256-of-url': ({ url }) => hash('sha256', url.href),
};
/** Whose `/` begin a folder; in all others it is a character like any other. */
const WITH_FOLDERS = /^(path|id|column:.*)$/s;
const KNOWN = [...Object.keys(VALUES), 'date', 'filename', 'column:name'];

interface Piece {
  readonly text: string;
  readonly value?: Value;
}

/**
 * @param startedAt of the run, epoch milliseconds: `{date}` is its day in UTC
 * @throws SkyhaulError `BatchInvalid` naming what is wrong, and the nearest known placeholder
 */
export function readKeyTemplate(template: string, startedAt: number): KeyTemplate {
  const pieces = piecesOf(template, new Date(startedAt).toISOString().slice(0, 10));
  const names = pieces.filter(({ value }) => value !== undefined).map(({ text }) => text);
  if (names.filter((name) => name === 'filename').length > 1) throw refuse('`{filename}` stands in it twice');
  requireValid(pieces);
  const tellsQuery = names.some((name) => /^(query|sha256-of-url)/.test(name));
  return {
    columns: names.filter((name) => name.startsWith('column:')).map((name) => name.slice('column:'.length)),
    keyOf: (facts) => make(pieces, facts, tellsQuery),
  };
}

function piecesOf(template: string, date: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of template.matchAll(PLACEHOLDER)) {
    const [whole, name = ''] = found;
    pieces.push(literal(template.slice(from, found.index)), { text: name, value: readPlaceholder(name, date) });
    from = found.index + whole.length;
  }
  return [...pieces, literal(template.slice(from))].filter(({ text, value }) => text !== '' || value !== undefined);
}

function literal(text: string): Piece {
  if (/[{}]/.test(text)) throw refuse('a brace in it opens or closes nothing');
  return { text };
}

function readPlaceholder(name: string, date: string): Value {
  if (name === 'date') return () => date;
  // Put in later, in the place of a text that no value can contain.
  if (name === 'filename') return () => '';
  const [, word = '', digits] = /^([a-z0-9-]+):(\d{1,2})$/.exec(name) ?? [];
  const count = Number(digits);
  if ((word === 'line' || word === 'item') && count >= 1 && count <= MAX_LINE_DIGITS) {
    return (facts) => String(facts[word]).padStart(count, '0');
  }
  if (word === 'sha256-of-url' && count >= 8 && count <= URL_DIGITS) {
    return ({ url }) => hash('sha256', url.href).slice(0, count);
  }
  if (/^column:./s.test(name)) {
    const column = name.slice('column:'.length);
    return ({ columns }) => columns?.get(column);
  }
  const value = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  if (value) return value;
  const near = nearest(
    name.replace(/:.*$/s, ''),
    KNOWN.map((known) => known.replace(/:.*$/, '')),
  );
  const known = KNOWN.filter((one) => one === near || one.startsWith(`${near}:`));
  const hint = known.length === 0 ? `known are {${KNOWN.join('}, {')}}` : `did you mean {${known[0]}}?`;
  throw refuse(`{${shown(name)}} is no placeholder; ${hint}`);
}

/** What the template itself says must be a key, whatever the values are. */
function requireValid(pieces: readonly Piece[]): void {
  const sample = pieces.map(({ text, value }) => (value ? 'x' : text)).join('');
  const verdict = checkKey(sample);
  if (!verdict.ok) throw refuse(verdict.problem);
}

function refuse(why: string): SkyhaulError {
  return new SkyhaulError('BatchInvalid', `the template of the keys cannot be used: ${why}`);
}

function make(pieces: readonly Piece[], facts: KeyFacts, tellsQuery: boolean): MadeKey {
  let text = '';
  for (const { text: name, value } of pieces) {
    if (!value) text += name;
    else if (name === 'filename') text += MARK;
    else if (name === 'path' && tellsQuery) text += clean(name, plainPathNames(facts.url).join('/'));
    else {
      const found = value(facts);
      if (found === undefined || (found === '' && !MAY_BE_EMPTY.has(name)))
        return { ok: false, problem: missing(name) };
      text += clean(name, found);
    }
  }
  return finish(text, facts);
}

const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['query', 'ext']);
/** A control character: cleaned values have none. */
const MARK = '\u0001';

function clean(name: string, value: string): string {
  if (value === '') return '';
  if (!WITH_FOLDERS.test(name)) return cleanPart(value);
  return value
    .split('/')
    .filter((part) => part !== '')
    .map(cleanPart)
    .join('/');
}

function finish(text: string, { url, maxBytes }: KeyFacts): MadeKey {
  if (text.includes(MARK)) return { ok: true, ...finishUnnamed(text, MARK, maxBytes) };
  return { ok: true, key: finishKey(text.split('/'), maxBytes, url.href) };
}

function missing(name: string): Problem {
  const where = name.startsWith('column:') ? 'its cell is empty' : `the line has no \`${name}\``;
  const allowed = `a value for {${shown(name)}}`;
  return problem('key', allowed, `the key needs {${shown(name)}}: ${where}`, 'KeyRefused');
}

/** Names of columns hold blanks and whatever else. */
function shown(name: string): string {
  return name.replace(/[\p{Cc}\p{Cs}]/gu, '?').slice(0, 64);
}
