import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWithin } from '../../functions/is-within.ts';

describe('what a deployment may write to and read from', () => {
  it.each([
    ['s3://bucket/data', true],
    ['s3://bucket/data/', true],
    ['s3://bucket/data/2026/11', true],
    ['s3://bucket/database', false],
    ['s3://bucket', false],
    ['s3://bucket/runs', false],
    ['s3://other/data', false],
  ])('%s within s3://bucket/data: %s', (uri, expected) => {
    expect(isWithin(uri, ['s3://elsewhere', 's3://bucket/data'])).toBe(expected);
  });

  it.each([
    's3://bucket/data/../runs',
    's3://bucket/data/./x',
    's3://bucket/data//x',
    's3:///data',
    'https://bucket/data',
    '/bucket/data',
    '',
  ])('refuses %s, which is no S3 address', (uri) => {
    expect(() => isWithin(uri, ['s3://bucket/data'])).toThrow(expect.objectContaining({ name: 'BatchInvalid' }));
  });

  it('allows nothing when nothing is named', () => {
    expect(isWithin('s3://bucket/data', [])).toBe(false);
  });

  it('allows everything below what is named, and what is named itself, and nothing beside it', () => {
    const segment = fc.stringMatching(/^[a-z0-9]{3,8}$/);
    const path = fc.array(segment, { minLength: 1, maxLength: 4 });
    const uriOf = (segments: readonly string[]) => `s3://${segments.join('/')}`;

    fc.assert(
      fc.property(path, path, segment, (above, below, more) => {
        expect(isWithin(uriOf([...above, ...below]), [uriOf(above)])).toBe(true);
        expect(isWithin(uriOf(above), [uriOf(above)])).toBe(true);
        expect(isWithin(uriOf(above), [uriOf([...above, ...below])])).toBe(false);
        expect(isWithin(`${uriOf(above)}${more}`, [uriOf(above)])).toBe(false);
      }),
    );
  });
});
