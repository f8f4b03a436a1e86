import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { CsvRow } from './csv-row.ts';
import type { Fields } from './expression/compile.ts';
import { type Field, fieldText } from './expression/syntax.ts';

/**
 * Names of columns into their positions. With a header, names are those in it, blanks around them not counted; without
 * one, `$1` is the first column. A name that is not there, or there twice, is an error that lists what there is.
 */
const MAX_SHOWN = 20;
/** Anything else may be a row of data taken for a header, with a signed URL in it. */
const SHOWABLE = /^[^\p{C}:/?&=@`]{1,64}$/u;
const NUMBERED = /^\$([1-9]\d{0,5})$/;

/**
 * What can be known before the file is open.
 *
 * @throws SkyhaulError `BatchInvalid`
 */
export function checkNames(fields: readonly Field[], select: readonly string[] | undefined, hasHeader: boolean): void {
  for (const field of fields) {
    if (field.path.length > 1) {
      const name = fieldText(field);
      throw invalid('where', `a column has no parts; write \`${name}\` in backticks if it is the column's name`);
    }
    checkNumbered('where', field.path[0], hasHeader);
  }
  if (select?.length === 0) throw invalid('select', 'expected at least one column');
  for (const name of select ?? []) checkNumbered('select', name, hasHeader);
  const twice = select?.find((name, at) => select.indexOf(name) < at);
  if (twice !== undefined) throw invalid('select', `the column ${quoted(twice)} stands twice`);
}

function checkNumbered(where: string, name: string, hasHeader: boolean): void {
  if (hasHeader || NUMBERED.test(name)) return;
  throw invalid(where, `the file has no header, so columns are $1, $2 and so on; found ${quoted(name)}`);
}

/** The position of a column by its name. */
export type FindColumn = (name: string) => number;

/** @throws SkyhaulError `TransformFailed` by the function returned */
export function findInHeader(header: CsvRow): FindColumn {
  const names = Array.from({ length: header.count }, (_, column) => header.text(column).trim());
  return (name) => {
    const at = names.indexOf(name.trim());
    if (at >= 0 && names.lastIndexOf(name.trim()) === at) return at;
    const problem = at < 0 ? `there is no column ${quoted(name)}` : `several columns are named ${quoted(name)}`;
    throw new SkyhaulError('TransformFailed', `csv: ${problem}; the columns are ${listed(names)}`);
  };
}

/** @throws SkyhaulError `TransformFailed` by the function returned */
export function findByNumber(first: CsvRow): FindColumn {
  return (name) => {
    const number = Number(NUMBERED.exec(name)?.[1]);
    if (number <= first.count) return number - 1;
    const problem = `there is no column ${quoted(name)}; the first row has ${first.count} columns`;
    throw new SkyhaulError('TransformFailed', `csv: ${problem}`);
  };
}

/** How a condition reads columns. Bytes are compared where that says the same as comparing the text. */
export function columnFields(find: FindColumn): Fields<CsvRow> {
  const columnOf = ({ path }: Field): number => find(path[0]);
  return {
    rule: 'text',
    read(field) {
      const column = columnOf(field);
      return (row) => row.text(column);
    },
    exists(field) {
      const column = columnOf(field);
      return (row) => !row.isEmpty(column);
    },
    equalsText(field, text) {
      const column = columnOf(field);
      const wanted = Buffer.from(text);
      return (row) => row.equals(column, text, wanted);
    },
    readNumber(field) {
      const column = columnOf(field);
      return (row) => row.number(column);
    },
  };
}

function invalid(where: string, problem: string): SkyhaulError {
  const text = `\`${where}\`: ${problem}`;
  return new SkyhaulError('BatchInvalid', text, { problems: [text] });
}

function quoted(name: string): string {
  return SHOWABLE.test(name) ? `\`${name}\`` : '(unreadable name)';
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SHOWN).map(quoted).join(', ');
  return names.length > MAX_SHOWN ? `${shown} and ${names.length - MAX_SHOWN} more` : shown;
}
