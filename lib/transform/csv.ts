import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { checkNames, columnFields, type FindColumn, findByNumber, findInHeader } from './csv-header.ts';
import { CsvRow } from './csv-row.ts';
import { type CsvBytes, CsvScanner } from './csv-scanner.ts';
import { compileCondition, type Test } from './expression/compile.ts';
import { parseCondition } from './expression/parse.ts';
import { type Condition, fieldsOf } from './expression/syntax.ts';
import { type RowOutput, type RowReader, readRows } from './row-stream.ts';
import type { StepCounts, TransformStep } from './transform.ts';

/**
 * Rows and columns of a CSV: bytes in, bytes out. Rows that are kept pass as they are, byte for byte; with `select`, the
 * fields do, quotes included, in the order that was asked for. Line ends and a byte order mark stay. Empty lines are no
 * rows and go. Rows may be shorter or longer than the header: what is missing is empty.
 */
export interface CsvOptions {
  /** One ASCII character. @default ',' */
  readonly delimiter?: string | undefined;
  /** One ASCII character; '' for a format without quotes. @default '"' */
  readonly quote?: string | undefined;
  /** The first row names the columns; otherwise they are `$1`, `$2` and so on. @default true */
  readonly header?: boolean | undefined;
  /** Columns to write, in this order. @default all */
  readonly select?: readonly string[] | undefined;
  /** Condition for a row to be kept (docs/expressions.md). @default all are */
  readonly where?: string | undefined;
  /** Longest row in bytes, its line end not counted. @default 1_048_576 */
  readonly maxRecordBytes?: number | undefined;
}

const MAX_RECORD_BYTES = 1_048_576;
const BOM = Buffer.of(0xef, 0xbb, 0xbf);

/**
 * @throws SkyhaulError `BatchInvalid` for options that fit no file. The step throws `TransformFailed` for a column that
 * is not there, broken quotes and rows that are too long.
 */
export function makeCsv(options: CsvOptions): TransformStep {
  const bytes = {
    delimiter: asciiByte('delimiter', options.delimiter ?? ','),
    quote: options.quote === '' ? -1 : asciiByte('quote', options.quote ?? '"'),
  };
  if (bytes.delimiter === bytes.quote) throw invalid('`delimiter` and `quote` are the same');
  const { header: hasHeader = true, select, maxRecordBytes = MAX_RECORD_BYTES } = options;
  const where = options.where === undefined ? undefined : parseCondition(options.where);
  checkNames(where ? fieldsOf(where) : [], select, hasHeader);
  const plan = { bytes, hasHeader, select, where, maxRecordBytes };
  return { name: 'csv', apply: (input, counts) => readRows(input, new CsvReader(plan, counts)) };
}

interface CsvPlan {
  readonly bytes: CsvBytes;
  readonly hasHeader: boolean;
  readonly select: readonly string[] | undefined;
  readonly where: Condition | undefined;
  readonly maxRecordBytes: number;
}

/** What the names of a file's columns make of the options. */
interface Bound {
  readonly keeps: Test<CsvRow> | undefined;
  readonly columns: readonly number[] | undefined;
  /** Fields of a row that are looked for, from its first one. */
  readonly wanted: number;
}

class CsvReader implements RowReader {
  readonly #plan: CsvPlan;
  readonly #counts: StepCounts;
  readonly #scanner: CsvScanner;
  readonly #row: CsvRow;
  #bound: Bound | undefined;
  #isBegun = false;

  constructor(plan: CsvPlan, counts: StepCounts) {
    this.#plan = plan;
    this.#counts = counts;
    this.#scanner = new CsvScanner(plan.bytes, (problem, at) => {
      this.#checkPartial(at);
      return this.#fault(problem);
    });
    this.#row = new CsvRow(plan.bytes);
  }

  read(bytes: Buffer, output: RowOutput, isEnd: boolean): number {
    if (!this.#isBegun && bytes.length < BOM.length && !isEnd) return 0;
    let from = 0;
    if (!this.#isBegun && bytes.subarray(0, BOM.length).equals(BOM)) {
      output.copy(bytes, 0, BOM.length);
      from = BOM.length;
    }
    this.#isBegun = true;
    return this.#readRows(bytes, from, output, isEnd);
  }

  /** Kept rows that stand beside each other are copied in one piece. */
  #readRows(bytes: Buffer, begin: number, output: RowOutput, isEnd: boolean): number {
    const scanner = this.#scanner;
    scanner.refresh();
    let keptFrom = begin;
    let from = begin;
    for (;;) {
      const next = scanner.next(bytes, from, isEnd);
      if (next < 0) break;
      const end = scanner.contentEnd;
      this.#checkLength(end - from);
      if (!this.#isKept(bytes, from, end)) {
        output.copy(bytes, keptFrom, from);
        keptFrom = next;
      } else if (this.#bound?.columns) {
        this.#writeColumns(this.#bound.columns, bytes, output);
        output.copy(bytes, end, next);
        keptFrom = next;
      }
      from = next;
    }
    output.copy(bytes, keptFrom, from);
    this.#checkPartial(bytes.length - from);
    return from;
  }

  #isKept(bytes: Buffer, from: number, end: number): boolean {
    if (from === end) return false;
    const { hasQuotes } = this.#scanner;
    if (!this.#bound) {
      this.#row.read(bytes, from, end, hasQuotes, Number.POSITIVE_INFINITY);
      this.#bound = bind(this.#plan, this.#plan.hasHeader ? findInHeader(this.#row) : findByNumber(this.#row));
      if (this.#plan.hasHeader) return true;
    }
    this.#counts.rowsIn += 1;
    const { keeps, wanted } = this.#bound;
    if (wanted > 0) this.#row.read(bytes, from, end, hasQuotes, wanted);
    if (keeps && !keeps(this.#row)) return false;
    this.#counts.rowsOut += 1;
    return true;
  }

  #writeColumns(columns: readonly number[], bytes: Buffer, output: RowOutput): void {
    const { delimiter, quote } = this.#plan.bytes;
    const before = output.length;
    columns.forEach((column, at) => {
      if (at > 0) output.byte(delimiter);
      output.copy(bytes, this.#row.start(column), this.#row.end(column));
    });
    // An empty line would be no row.
    if (output.length > before || quote < 0) return;
    output.byte(quote);
    output.byte(quote);
  }

  /** One byte may be the CR of a line end. The same error for whatever chunks: too long comes before broken. */
  #checkPartial(bytes: number): void {
    this.#checkLength(bytes - 1);
  }

  #checkLength(bytes: number): void {
    if (bytes > this.#plan.maxRecordBytes) throw this.#fault(`is longer than ${this.#plan.maxRecordBytes} bytes`);
  }

  #fault(problem: string): SkyhaulError {
    const isHeader = this.#plan.hasHeader && !this.#bound;
    const row = isHeader ? 'the header' : `row ${this.#counts.rowsIn + 1}`;
    return new SkyhaulError('TransformFailed', `csv: ${row} ${problem}`);
  }
}

function bind({ select, where }: CsvPlan, find: FindColumn): Bound {
  const found: number[] = [];
  const note: FindColumn = (name) => {
    const column = find(name);
    found.push(column);
    return column;
  };
  const columns = select?.map(note);
  const keeps = where && compileCondition(where, columnFields(note));
  return { columns, keeps, wanted: found.reduce((most, column) => Math.max(most, column + 1), 0) };
}

function asciiByte(option: string, text: string): number {
  const code = text.charCodeAt(0);
  const isFit = text.length === 1 && code < 0x80 && code > 0 && text !== '\n' && text !== '\r';
  if (!isFit) throw invalid(`\`${option}\`: expected one ASCII character that ends no line`);
  return code;
}

function invalid(text: string): SkyhaulError {
  return new SkyhaulError('BatchInvalid', text, { problems: [text] });
}
