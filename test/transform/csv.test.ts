import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvOptions, makeCsv } from '../../lib/transform/csv.ts';
import { CsvRow } from '../../lib/transform/csv-row.ts';
import { CsvScanner } from '../../lib/transform/csv-scanner.ts';
import { numberOf } from '../../lib/transform/expression/compare.ts';
import { cut, readAll, run, runText, sizes, told } from './csv-steps.ts';
import { holds, type Path, print, texts, trees } from './expression-reference.ts';

const failed = (message: string) => expect.objectContaining({ name: 'TransformFailed', message });
const refused = (message: string) => expect.objectContaining({ name: 'BatchInvalid', message });

/** csv-parse as the judge: the same dialect, empty lines skipped. */
function judged(text: string): string[][] {
  return parse(text, {
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
  });
}

/** Every record as scanner and row see it. */
function recordsOf(text: string): string[][] {
  const bytes = Buffer.from(text);
  const dialect = { delimiter: 0x2c, quote: 0x22 };
  const scanner = new CsvScanner(dialect, (problem) => new Error(problem) as never);
  const row = new CsvRow(dialect);
  const records: string[][] = [];
  let from = 0;
  for (;;) {
    const next = scanner.next(bytes, from, true);
    if (next < 0) return records;
    row.read(bytes, from, scanner.contentEnd, scanner.hasQuotes, Number.POSITIVE_INFINITY);
    if (scanner.contentEnd > from) records.push(Array.from({ length: row.count }, (_, column) => row.text(column)));
    from = next;
  }
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');

describe('reading CSV', () => {
  it('finds the records and fields that csv-parse finds, in any soup of quotes and line ends', () => {
    const soup = fc.array(fc.constantFrom('a', 'b', 'ü', '"', '"', '""', ',', '\n', '\r', '\r\n', '"a"', ' '));
    let accepted = 0;

    fc.assert(
      fc.property(soup, (parts) => {
        const text = parts.join('');
        let wanted: string[][];
        try {
          wanted = judged(text);
        } catch {
          return;
        }
        accepted += 1;
        expect(recordsOf(text), JSON.stringify(text)).toEqual(wanted);
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it('takes a quote inside a field that does not begin with one for text', () => {
    expect(recordsOf('disk,5" wide,"a ""b"""\n')).toEqual([['disk', '5" wide', 'a "b"']]);
  });

  it('reads numbers from bytes as from text', () => {
    const digits = fc.stringMatching(/^[ \t]?[-+]?\d{0,17}\.?\d{0,6}([eE][-+]?\d{1,3})? ?$/);

    fc.assert(
      fc.property(fc.oneof(digits, fc.double().map(String), texts), (text) => {
        const bytes = Buffer.from(`"",${text}`);
        const row = new CsvRow({ delimiter: 0x2c, quote: 0x22 });
        row.read(bytes, 0, bytes.length, true, 2);
        if (!text.includes(',') && !text.startsWith('"')) expect(row.number(1)).toBe(numberOf(text));
      }),
      { numRuns: 3_000 },
    );
    expect(numberOf('0x10')).toBeNaN();
    expect(numberOf('Infinity')).toBeNaN();
    expect(numberOf('')).toBeNaN();
    expect(numberOf(`${'1'.repeat(100_000)}x`)).toBeNaN();
  });
});

describe('csv', () => {
  it('passes rows byte for byte, line ends, quotes, ragged rows and byte order mark too', async () => {
    const text = '\ufeff"a",b\r\n"1","x\r\ny"\n2\r3,4,5\r\n"",""';

    const { text: out, counts } = await runText(makeCsv({}), text);

    expect(out).toBe(text);
    expect(counts).toEqual({ rowsIn: 4, rowsOut: 4 });
  });

  it('keeps the header and the rows of which the condition is true, and counts both', async () => {
    const step = makeCsv({ where: "country in ('DE', 'AT') and age >= 18" });

    const { text, counts } = await runText(step, 'age,country\n17,DE\n18,"DE"\r\n44,FR\n"30",AT');

    expect(text).toBe('age,country\n18,"DE"\r\n"30",AT');
    expect(counts).toEqual({ rowsIn: 4, rowsOut: 2 });
  });

  it('writes the selected columns in their order, as they stand, short rows filled up', async () => {
    const { text } = await runText(makeCsv({ select: ['c', 'a'] }), 'a,b,c\n1,2,"x,""y"""\r\n4\n5,6,7,8\n');

    expect(text).toBe('c,a\n"x,""y""",1\r\n,4\n7,5\n');
  });

  it('writes an empty field in quotes where it stands alone, as an empty line is no row', async () => {
    const { text, counts } = await runText(makeCsv({ select: ['b'] }), 'a,b\n1,\n\n2,x\n');

    expect(text).toBe('b\n""\nx\n');
    expect(counts).toEqual({ rowsIn: 2, rowsOut: 2 });
  });

  it('drops empty lines', async () => {
    expect((await runText(makeCsv({}), '\n\na\n\n1\r\n\r\n')).text).toBe('a\n1\r\n');
    expect((await runText(makeCsv({ select: ['a'], where: 'a = 1' }), '')).text).toBe('');
  });

  it('numbers the columns of a file without header', async () => {
    const step = makeCsv({ header: false, delimiter: '\t', select: ['$2'], where: '$1 != 2' });

    expect((await runText(step, '1\tx\n2\ty\n3\tz\n')).text).toBe('x\nz\n');
  });

  it('knows formats without quotes', async () => {
    const { text, counts } = await runText(
      makeCsv({ quote: '', delimiter: '|', where: "b = '\"x'" }),
      'a|b\n1|"x\n2|y\n',
    );

    expect(text).toBe('a|b\n1|"x\n');
    expect(counts.rowsIn).toBe(2);
  });

  it.each<[CsvOptions, string]>([
    [{ where: 'a = ' }, '`where`, position 5: expected a field or a value, found the end'],
    [{ where: 'a.b = 1' }, "`where`: a column has no parts; write `a.b` in backticks if it is the column's name"],
    [
      { header: false, where: 'age = 1' },
      '`where`: the file has no header, so columns are $1, $2 and so on; found `age`',
    ],
    [
      { header: false, select: ['$0'] },
      '`select`: the file has no header, so columns are $1, $2 and so on; found `$0`',
    ],
    [{ select: [] }, '`select`: expected at least one column'],
    [{ select: ['a', 'b', 'a'] }, '`select`: the column `a` stands twice'],
    [{ delimiter: '||' }, '`delimiter`: expected one ASCII character that ends no line'],
    [{ delimiter: '"' }, '`delimiter` and `quote` are the same'],
    [{ quote: '\n' }, '`quote`: expected one ASCII character that ends no line'],
  ])('refuses the options %j when the step is made', (options, message) => {
    expect(() => makeCsv(options)).toThrow(refused(message));
  });

  it.each<[CsvOptions, string, string]>([
    [
      { where: 'agee > 1' },
      'age, first name\n1,2\n',
      'csv: there is no column `agee`; the columns are `age`, `first name`',
    ],
    [{ select: ['b'] }, 'a\n', 'csv: there is no column `b`; the columns are `a`'],
    [{ select: ['b'] }, 'b,a,b\n', 'csv: several columns are named `b`; the columns are `b`, `a`, `b`'],
    [{ header: false, select: ['$3'] }, '1,2\n', 'csv: there is no column `$3`; the first row has 2 columns'],
    [{ select: ['b'] }, 'http://x/?sig=secret\n', 'csv: there is no column `b`; the columns are (unreadable name)'],
    [{}, 'a\n1\n"x\ny\n', 'csv: row 2 has a quote that is never closed'],
    [{}, '"a\n', 'csv: the header has a quote that is never closed'],
    [{ header: false }, '"a"b\n', 'csv: row 1 has text behind a closing quote'],
    [{ maxRecordBytes: 4 }, 'a\n1234\n12345\n', 'csv: row 2 is longer than 4 bytes'],
  ])('fails with %j on %j', async (options, text, message) => {
    await expect(runText(makeCsv(options), text)).rejects.toThrow(failed(message));
  });

  it('selects and filters as reading all, filtering and writing would, whatever the chunks', async () => {
    const cell = fc.oneof(texts, fc.constantFrom('x,y', 'two\nlines', 'two\r\nlines', '\r'));
    const table = fc.array(
      fc.record({ cells: fc.array(cell, { minLength: 1, maxLength: 4 }), quoted: fc.boolean(), lineEnd }),
      { maxLength: 12 },
    );
    const fields: readonly Path[] = [['in'], ['b'], ['first name']];

    await fc.assert(
      fc.asyncProperty(table, trees(fields), sizes, fc.boolean(), async (rows, tree, chunkSizes, selects) => {
        const lines = rows.map(
          ({ cells, quoted, lineEnd }) => cells.map((text) => quote(text, quoted)).join(',') + lineEnd,
        );
        const text = `b,in,first name\n${lines.join('')}`;
        const select = selects ? ['first name', 'b'] : undefined;

        const { text: out, counts } = await run(
          makeCsv({ where: print(tree), select }),
          cut(Buffer.from(text), chunkSizes),
        );

        const [header = [], ...records] = judged(text);
        const wanted = records.filter((record) =>
          holds(tree, ([name]) => record[header.indexOf(String(name))] ?? '', true),
        );
        const picked = (record: string[]) => (selects ? [record[2] ?? '', record[0]] : record);
        expect(judged(out)).toEqual([header, ...wanted].map(picked));
        expect(counts).toEqual({ rowsIn: records.length, rowsOut: wanted.length });
      }),
      { numRuns: 1_000 },
    );
  });

  it('says the same of any soup, output, counts and error, whatever the chunks', async () => {
    const soup = fc.array(fc.constantFrom('a', 'bc', '"', '""', ',', '\n', '\r', '\r\n', '"a\n"', '\ufeff'), {
      maxLength: 40,
    });
    const step = makeCsv({ header: false, where: "$1 != 'a'", maxRecordBytes: 12 });

    await fc.assert(
      fc.asyncProperty(soup, sizes, async (parts, chunkSizes) => {
        const bytes = Buffer.from(parts.join(''));
        expect(await told(step, cut(bytes, chunkSizes))).toBe(await told(step, [bytes]));
      }),
      { numRuns: 3_000 },
    );
  });

  it('measures a row without its line end, wherever that is cut', async () => {
    const step = makeCsv({ maxRecordBytes: 4 });

    expect(
      (
        await run(
          step,
          ['a\n1234\r', '\n5\n'].map((text) => Buffer.from(text)),
        )
      ).counts.rowsIn,
    ).toBe(2);
    await expect(
      run(
        step,
        ['a\n1234', '5\n'].map((text) => Buffer.from(text)),
      ),
    ).rejects.toThrow(failed('csv: row 1 is longer than 4 bytes'));
  });

  it('gives up at a row that never ends, and closes its input', async () => {
    let isClosed = false;
    async function* endless() {
      try {
        yield Buffer.from('a\n"');
        for (;;) yield Buffer.alloc(1_000, 'x');
      } finally {
        isClosed = true;
      }
    }
    const rows = makeCsv({}).apply(endless(), { rowsIn: 0, rowsOut: 0 });

    await expect(readAll(rows)).rejects.toThrow(failed('csv: row 1 is longer than 1048576 bytes'));
    expect(isClosed).toBe(true);
  });

  it('looks at each byte of a long row a bounded number of times, in chunks of one byte', async () => {
    const row = `5"${'x,'.repeat(150_000)}`;
    const bytes = Buffer.from(`a\n${row}\n`);

    const { text } = await run(
      makeCsv({ where: 'exists(a)' }),
      cut(
        bytes,
        Array.from(bytes, () => 1),
      ),
    );

    expect(text.length).toBe(bytes.length);
  });

  it('closes its input when its reader stops', async () => {
    let isClosed = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.from('1,2,3\n'.repeat(10_000));
      } finally {
        isClosed = true;
      }
    }

    for await (const chunk of makeCsv({}).apply(endless(), { rowsIn: 0, rowsOut: 0 })) if (chunk.length > 0) break;

    expect(isClosed).toBe(true);
  });
});

function quote(text: string, always: boolean): string {
  return always || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
