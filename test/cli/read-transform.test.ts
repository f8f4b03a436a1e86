import { describe, expect, it } from 'vitest';
import { readTransform } from '../../cli/read-transform.ts';

describe('--transform', () => {
  it('is a step by its name, or with its options as JSON, in the order given', () => {
    const { spec, problems } = readTransform(['gunzip', '{"name": "csv", "where": "a = 1"}']);

    expect(problems).toEqual([]);
    expect(spec).toMatchObject([{ name: 'gunzip' }, { name: 'csv', where: 'a = 1', delimiter: ',' }]);
  });

  it('names a step that there is not, JSON that is none, and what is wrong with an expression', () => {
    expect(readTransform(['gunzip', 'gunzp']).problems).toEqual([
      '--transform: step 2: there is no step "gunzp"; did you mean `gunzip`?',
    ]);
    expect(readTransform(['csv:where']).problems).toEqual([
      expect.stringMatching(/step 1: there is no step "csv:where"; the steps are gunzip, .* module$/),
    ]);
    expect(readTransform(['{"nam":"csv"}']).problems).toEqual([
      expect.stringMatching(/^--transform: step 1: it has no `name`; the steps are gunzip, .* module$/),
    ]);
    expect(readTransform(['{"name":']).problems).toEqual([expect.stringContaining('is not JSON')]);
    expect(readTransform(['{"name": "csv", "where": "a ="}']).problems).toEqual([
      expect.stringMatching(/--transform: .*where.*position/),
    ]);
    expect(readTransform(['untar', 'gzip']).problems).toEqual([
      '--transform: `untar` makes several objects, so nothing comes behind it',
    ]);
  });

  it.each([
    ['{"name":"gzip","level":99}', '`level`: at most 9, found 99'],
    ['{"name":"csv","wher":"a = 1"}', 'unknown field `wher`; did you mean `where`?'],
    ['{"name":"csv","select":["a",1]}', '`select[1]`: a text, found 1'],
    ['{"name":"csv","delimiter":"\\""}', 'the delimiter is not the quote'],
    ['decode', '`charset` is missing'],
  ])('says what is wrong with the step %s', (word, text) => {
    expect(readTransform(['gunzip', word]).problems).toEqual([`--transform: step 2: ${text}`]);
  });

  it('leaves code of the user’s own to whoever has it', () => {
    expect(readTransform(['module', 'gzip']).problems).toEqual([]);
  });
});
