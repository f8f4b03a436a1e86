import { type Problem, problem } from '../contract/problem.ts';
import { type Pattern, readPattern } from './expand-pattern.ts';
import type { RawRecord } from './split-records.ts';

/** What a format makes of one record. */
export interface LineReader {
  /** Delimiter of the format's fields, where quotes may carry a record over several lines. */
  readonly delimiter?: ',' | '\t';
  /** The item as it stands there, unchecked; `undefined` for what is no item: blank lines, comments, the header. */
  read(record: RawRecord): ReadLine | undefined;
  /** Called behind the last record. */
  end?(): void;
}

export type ReadLine = ReadItem | ReadPatternLine | { readonly problems: readonly Problem[] };

export interface ReadItem {
  readonly value: unknown;
  /** Cells of the columns that the keys are made of; without the empty ones. */
  readonly columns?: ReadonlyMap<string, string>;
}

/** A line that is as many URLs as its pattern has texts. */
interface ReadPatternLine {
  readonly pattern: Pattern;
}

/** One URL a line, or a pattern of several; `#` begins a comment line. */
export function textReader(expands: boolean): LineReader {
  return {
    read(record) {
      if ('fault' in record) return broken(faultText(record.fault));
      const text = record.text.trim();
      if (text === '' || text.startsWith('#')) return undefined;
      const more = MORE.exec(text);
      if (more) return { problems: [problem('url', 'one URL', more[1] === '#' ? OWN_LINE : ONE_URL, 'UrlRefused')] };
      if (!expands) return { value: { url: text } };
      const read = readPattern(text);
      if ('problem' in read) return { problems: [read.problem] };
      return read.pattern ? { pattern: read.pattern } : { value: { url: text } };
    },
  };
}

/** What a URL swallows, blanks and all, to become another one that nobody meant. */
const MORE = /\s(#|https?:\/\/)/i;
const OWN_LINE = 'a comment stands in a line of its own';
const ONE_URL = 'the line holds more than one URL; write one a line';

/** One JSON object a line. */
export const jsonReader: LineReader = {
  read(record) {
    if ('fault' in record) return broken(faultText(record.fault));
    const text = record.text.trim();
    if (text === '') return undefined;
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      // The parser's own message repeats a piece of the line, which may be a credential.
      return broken(`the line is not JSON${jsonHint(text)}`);
    }
  },
};

function jsonHint(text: string): string {
  if (/^https?:/i.test(text)) return '; for a list of plain URLs give --format txt';
  return text.startsWith('[') ? '; write one object a line, not a list over several lines' : '';
}

export function faultText(fault: 'too long' | 'not UTF-8'): string {
  return fault === 'too long' ? 'the line is longer than 64 KiB' : 'the line is not UTF-8';
}

export function broken(text: string): ReadLine {
  return { problems: [problem('', 'a readable line', text)] };
}
