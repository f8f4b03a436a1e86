import { describe, expect, it } from 'vitest';
import { transformSpec } from '../../lib/contract/transform.ts';
import { transformJudge, transformProblem } from '../../lib/transform/check-transform.ts';

const problem = (...steps: unknown[]) => transformProblem(transformSpec.parse(steps));

describe('steps that are looked at before anything is asked for', () => {
  it.each([
    [{ name: 'csv', where: 'a = = 1' }, /`where`.*position/s],
    [{ name: 'jsonl', where: 'a matches "("' }, /where/],
    [{ name: 'csv', select: ['a', 'b', 'a'] }, '`select`: the column `a` stands twice'],
    [{ name: 'jsonl', select: ['a', 'a'] }, '`select`: the field "a" stands twice'],
    [{ name: 'csv', header: false, select: ['a'] }, /no header/],
  ])('%j is refused', (step, text) => {
    expect(problem('gunzip', step)).toMatch(text);
  });

  it('are good when they can be built; code of the user’s own is not needed for that', () => {
    expect(problem('gunzip', { name: 'csv', where: 'a = 1', select: ['a'] }, 'module', 'gzip')).toBeUndefined();
    expect(problem('unzstd', 'untar')).toBeUndefined();
    expect(problem('module')).toBeUndefined();
  });

  it('are judged alike each time, however many different ones there are', () => {
    const judge = transformJudge();
    const spec = (where: string) => transformSpec.parse([{ name: 'csv', where }]);

    for (let index = 0; index < 1_200; index += 1) expect(judge(spec(`a = ${index}`))).toBeUndefined();
    expect(judge(spec('a ='))).toMatch(/where/);
    expect(judge(spec('a ='))).toMatch(/where/);
    expect(judge(spec('a = 0'))).toBeUndefined();
  });
});
