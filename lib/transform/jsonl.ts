import { isUtf8 } from 'node:buffer';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { compileCondition, type Fields, type Test } from './expression/compile.ts';
import { parseCondition, parseField } from './expression/parse.ts';
import { type Field, fieldText } from './expression/syntax.ts';
import { SpanPicker } from './jsonl-spans.ts';
import { type RowOutput, type RowReader, readRows } from './row-stream.ts';
import type { StepCounts, TransformStep } from './transform.ts';

/**
 * Lines and fields of JSON Lines: bytes in, bytes out. Every line is parsed, so what comes through is JSON; a line that is
 * not, fails the item. Lines that are kept pass as they are; with `select`, the values do. Lines of blanks are no rows and
 * go, and so does a byte order mark.
 */
export interface JsonlOptions {
  /** Paths such as `user.name` or `tags[0]`; each becomes a field of that name in a flat object. @default the whole line */
  readonly select?: readonly string[] | undefined;
  /** Condition for a line to be kept (docs/expressions.md). @default all are */
  readonly where?: string | undefined;
  /** Longest line in bytes, its line end not counted. @default 1_048_576 */
  readonly maxLineBytes?: number | undefined;
}

const MAX_LINE_BYTES = 1_048_576;
const LF = 0x0a;
const CR = 0x0d;
const BOM = Buffer.of(0xef, 0xbb, 0xbf);

/** @throws SkyhaulError `BatchInvalid`. The step throws `TransformFailed` for lines that are not JSON or too long. */
export function makeJsonl(options: JsonlOptions): TransformStep {
  const where = options.where === undefined ? undefined : parseCondition(options.where);
  const plan = {
    keeps: where && compileCondition(where, jsonFields),
    fields: options.select && readSelect(options.select),
    maxLineBytes: options.maxLineBytes ?? MAX_LINE_BYTES,
  };
  return { name: 'jsonl', apply: (input, counts) => readRows(input, new JsonlReader(plan, counts)) };
}

function readSelect(select: readonly string[]): Field[] {
  const fields = select.map((text, at) => parseField(text, `select[${at}]`));
  const names = fields.map(fieldText);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (fields.length > 0 && twice === undefined) return fields;
  const problem =
    twice === undefined ? 'expected at least one field' : `the field ${JSON.stringify(twice)} stands twice`;
  throw new SkyhaulError('BatchInvalid', `\`select\`: ${problem}`, { problems: [`\`select\`: ${problem}`] });
}

interface JsonlPlan {
  readonly keeps: Test<unknown> | undefined;
  readonly fields: readonly Field[] | undefined;
  readonly maxLineBytes: number;
}

class JsonlReader implements RowReader {
  readonly #plan: JsonlPlan;
  readonly #counts: StepCounts;
  readonly #picker: SpanPicker | undefined;
  #line = 1;
  #isBegun = false;
  /** Bytes of the incomplete line that hold no line end. */
  #scanned = 0;

  constructor(plan: JsonlPlan, counts: StepCounts) {
    this.#plan = plan;
    this.#counts = counts;
    this.#picker = plan.fields && new SpanPicker(plan.fields);
  }

  /** Kept lines that stand beside each other are copied in one piece. */
  read(bytes: Buffer, output: RowOutput, isEnd: boolean): number {
    if (!this.#isBegun && bytes.length < BOM.length && !isEnd) return 0;
    let from = !this.#isBegun && bytes.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
    this.#isBegun = true;
    let keptFrom = from;
    while (from < bytes.length) {
      const lf = bytes.indexOf(LF, from + this.#scanned);
      if (lf < 0 && !isEnd) break;
      this.#scanned = 0;
      const next = lf < 0 ? bytes.length : lf + 1;
      const end = contentEnd(bytes, from, lf < 0 ? bytes.length : lf);
      this.#checkLength(end - from);
      if (!this.#isKept(bytes, from, end)) {
        output.copy(bytes, keptFrom, from);
        keptFrom = next;
      } else if (this.#picker) {
        this.#picker.write(bytes, from, output);
        output.copy(bytes, end, next);
        keptFrom = next;
      }
      from = next;
      this.#line += 1;
    }
    output.copy(bytes, keptFrom, from);
    this.#scanned = bytes.length - from;
    // One byte may be the CR of a line end.
    this.#checkLength(this.#scanned - 1);
    return from;
  }

  #isKept(bytes: Buffer, from: number, end: number): boolean {
    const text = bytes.toString('utf8', from, end);
    const value = this.#parse(text);
    if (value === BLANK) return false;
    // Bytes that are no UTF-8 become U+FFFD when they are decoded.
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(from, end))) throw this.#fault('is not UTF-8');
    this.#counts.rowsIn += 1;
    if (this.#plan.keeps && !this.#plan.keeps(value)) return false;
    this.#counts.rowsOut += 1;
    return true;
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      if (/^[ \t\r]*$/.test(text)) return BLANK;
      // The parser's own message shows parts of the line.
      throw this.#fault('is not JSON');
    }
  }

  #checkLength(bytes: number): void {
    if (bytes > this.#plan.maxLineBytes) throw this.#fault(`is longer than ${this.#plan.maxLineBytes} bytes`);
  }

  #fault(problem: string): SkyhaulError {
    return new SkyhaulError('TransformFailed', `jsonl: line ${this.#line} ${problem}`);
  }
}

const BLANK = Symbol('a line of blanks');

function contentEnd(bytes: Buffer, from: number, lineEnd: number): number {
  return lineEnd > from && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
}

const jsonFields: Fields<unknown> = {
  rule: 'json',
  read: ({ path }) => valueReader(path),
  exists({ path }) {
    const read = valueReader(path);
    return (row) => read(row) !== undefined;
  },
};

/** Only what stands in the line is found, nothing that JavaScript's objects and lists have of their own. */
function valueReader(path: Field['path']): (row: unknown) => unknown {
  return (row) => {
    let value = row;
    for (const step of path) {
      if (typeof step === 'number') {
        if (!Array.isArray(value)) return undefined;
      } else if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      if (!Object.hasOwn(value, step)) return undefined;
      value = (value as Record<string | number, unknown>)[step];
    }
    return value;
  };
}
