import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type ColumnNames, type Columns, findColumns, findKeyColumns } from './csv-columns.ts';
import { splitFields } from './csv-fields.ts';
import { broken, faultText, type LineReader, type ReadLine } from './line-reader.ts';
import type { RawRecord } from './split-records.ts';

/**
 * CSV and TSV with a header (RFC 4180). Records come framed and bounded from `splitRecords`, and each is taken apart for
 * itself: so a broken one is one problem and neither ends the list nor swallows its neighbours, which the parsers of the
 * registry do not promise. Cells are plain data: no formula, type or escape means anything.
 */
export function csvReader(delimiter: ',' | '\t', names: ColumnNames, keyColumns: readonly string[] = []): LineReader {
  let header: { readonly width: number; readonly columns: Columns; readonly ofKeys: Columns } | undefined;
  return {
    delimiter,
    read(record) {
      if ('text' in record && record.text.trim() === '') return undefined;
      const fields = fieldsOf(record, delimiter);
      if (!header) {
        if (!Array.isArray(fields))
          throw unreadable(`its first line, which names the columns, is broken: ${why(fields)}`);
        const ofKeys = findKeyColumns(fields, keyColumns);
        header = { width: fields.length, columns: findColumns(fields, names), ofKeys };
        return undefined;
      }
      if (!Array.isArray(fields)) return fields;
      if (fields.length !== header.width) {
        // Most often a URL with a bare comma: without this check its first half would be fetched.
        return broken(
          `the line has ${fields.length} fields, the header ${header.width}; quote fields that hold a comma`,
        );
      }
      const value = itemOf(fields, header.columns);
      return keyColumns.length === 0 ? { value } : { value, columns: cellsOf(fields, header.ofKeys) };
    },
    end() {
      if (!header) throw unreadable('it is empty, not even a line that names the columns');
    },
  };
}

function fieldsOf(record: RawRecord, delimiter: ',' | '\t'): string[] | ReadLine {
  if ('fault' in record) {
    const { fault, line, to } = record;
    return broken(`${faultText(fault)}${fault === 'too long' ? ' (or a quote is not closed)' : ''}${upTo(line, to)}`);
  }
  const fields = splitFields(record.text, delimiter);
  if (fields) return fields;
  const to = record.line + (record.text.trimEnd().match(/\r\n|\r|\n/g)?.length ?? 0);
  const text = 'a quote in the line is not closed, or stands inside a field without being doubled';
  return broken(`${text}${upTo(record.line, to)}`);
}

/** What a quote that is not closed takes with it. */
function upTo(from: number, to: number): string {
  return to > from ? `; it takes all lines up to ${to} with it` : '';
}

function itemOf(fields: readonly string[], columns: Columns): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [field, at] of columns) {
    const cell = fields[at]?.trim() ?? '';
    if (cell !== '') value[field] = field === 'size' && /^\d{1,15}$/.test(cell) ? Number(cell) : cell;
  }
  return value;
}

function cellsOf(fields: readonly string[], columns: Columns): Map<string, string> {
  const cells = new Map<string, string>();
  for (const [name, at] of columns) {
    const cell = fields[at]?.trim() ?? '';
    if (cell !== '') cells.set(name, cell);
  }
  return cells;
}

function why(line: ReadLine): string {
  return 'problems' in line ? line.problems.map(({ text }) => text).join('; ') : '';
}

function unreadable(why: string): SkyhaulError {
  return new SkyhaulError('ManifestUnreadable', `the list cannot be read: ${why}`);
}
