import { type Problem, problem } from '../contract/problem.ts';
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

export type ReadLine = { readonly value: unknown } | { readonly problems: readonly Problem[] };

/** One URL a line; `#` begins a comment line. */
export const textReader: LineReader = {
  read(record) {
    if ('fault' in record) return broken(faultText(record.fault));
    const text = record.text.trim();
    return text === '' || text.startsWith('#') ? undefined : { value: { url: text } };
  },
};

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
