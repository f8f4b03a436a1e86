import { describe, expect, it } from 'vitest';
import { isSameTag, readValidators } from '../../lib/source/validators.ts';

describe('readValidators', () => {
  it.for<[string, string | undefined, string | undefined]>([
    ['"abc"', '"abc"', undefined],
    ['""', '""', undefined],
    ['W/"abc"', undefined, 'W/"abc"'],
    ['w/"abc"', undefined, undefined],
    ['abc', undefined, undefined],
    ['"a"b"', undefined, undefined],
    ['"a b"', undefined, undefined],
    ['"a", "b"', undefined, undefined],
    ['', undefined, undefined],
  ])('H44: reads the ETag %j as strong %j, weak %j', ([etag, strongEtag, weakEtag]) => {
    expect(readValidators([['etag', etag]])).toEqual({ strongEtag, weakEtag, lastModified: undefined });
  });

  it('H44: believes neither of two ETags that contradict each other', () => {
    expect(
      readValidators([
        ['etag', '"a"'],
        ['etag', '"b"'],
      ]).strongEtag,
    ).toBeUndefined();
    expect(
      readValidators([
        ['etag', '"a"'],
        ['etag', '"a"'],
      ]).strongEtag,
    ).toBe('"a"');
  });

  it('compares tags weakly', () => {
    expect([isSameTag('W/"a"', '"a"'), isSameTag('"a"', '"a"'), isSameTag('"a"', '"b"')]).toEqual([true, true, false]);
  });
});
