import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitFields } from '../../lib/manifest/csv-fields.ts';

describe('splitFields', () => {
  it.each([
    ['a,b', ['a', 'b']],
    ['a,', ['a', '']],
    [',', ['', '']],
    ['"a,b",c', ['a,b', 'c']],
    ['"a ""quote""",', ['a "quote"', '']],
    ['"",""', ['', '']],
    ['"a\r\nb"', ['a\r\nb']],
    ['"a', undefined],
    ['"a""', undefined],
    ['"a"b', undefined],
    ['a"b"', undefined],
    ['"a" ,b', undefined],
  ])('%j gives %j', (record, fields) => {
    expect(splitFields(record, ',')).toEqual(fields);
  });

  it('agrees with csv-parse on any record', () => {
    const record = fc.string({ unit: fc.constantFrom('"', '""', ',', '\t', 'a', 'ü', ' ', '='), minLength: 1 });

    fc.assert(
      fc.property(record, fc.constantFrom(',' as const, '\t' as const), (text, delimiter) => {
        let expected: string[] | undefined;
        try {
          [expected] = parse(text, { delimiter, record_delimiter: ['\r\n', '\n', '\r'] });
        } catch {
          expected = undefined;
        }

        expect(splitFields(text, delimiter)).toEqual(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  it('takes a quoted field of 64 KiB', () => {
    const long = 'x""'.repeat(20_000);

    expect(splitFields(`"${long}"`, ',')).toEqual(['x"'.repeat(20_000)]);
    expect(splitFields(`"${long}`, ',')).toBeUndefined();
  });
});
