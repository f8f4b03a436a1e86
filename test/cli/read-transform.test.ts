import { describe, expect, it } from 'vitest';
import { readTransform } from '../../cli/read-transform.ts';

describe('--transform', () => {
  it('is a step by its name, or with its options as JSON, in the order given', () => {
    const { spec, problems } = readTransform(['gunzip', '{"name": "csv", "where": "a = 1"}']);

    expect(problems).toEqual([]);
    expect(spec).toMatchObject([{ name: 'gunzip' }, { name: 'csv', where: 'a = 1', delimiter: ',' }]);
  });

  it('names a step that there is not, JSON that is none, and what is wrong with an expression', () => {
    expect(readTransform(['gunzip', 'unzip']).problems).toEqual([expect.stringContaining('step 2')]);
    expect(readTransform(['{"name":']).problems).toEqual([expect.stringContaining('is not JSON')]);
    expect(readTransform(['{"name": "csv", "where": "a ="}']).problems).toEqual([
      expect.stringMatching(/--transform: .*where.*position/),
    ]);
    expect(readTransform(['untar', 'gzip']).problems).toEqual([expect.stringContaining('untar')]);
  });
});
