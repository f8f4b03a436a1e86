import { describe, expect, it } from 'vitest';
import type { FramingVerdict } from '../../lib/source/framing.ts';
import type { HeaderList } from '../../lib/source/header-list.ts';
import { isOfVersion, pinVersion } from '../../lib/source/pin-version.ts';

const ten: FramingVerdict = { kind: 'length', bytes: 10 };
const MODIFIED = 'Tue, 03 Nov 2026 10:00:00 GMT';
const MINUTE_LATER = 'Tue, 03 Nov 2026 10:01:00 GMT';

function pin(headers: HeaderList, framing: FramingVerdict = ten, status = 200) {
  return pinVersion({ status, headers, framing });
}

const dated = (modified: string, date: string): HeaderList => [
  ['last-modified', modified],
  ['date', date],
];

describe('pinVersion', () => {
  it('H44: pins a strong ETag, with length and coding', () => {
    expect(pin([['etag', '"a"']])).toEqual({ etag: '"a"', bytes: 10, contentEncoding: undefined });
    expect(pin([['etag', '"a"']], { kind: 'chunked' })).toMatchObject({ etag: '"a"', bytes: undefined });
    expect(
      pin([
        ['etag', '"a-gzip"'],
        ['content-encoding', 'GZIP'],
      ]),
    ).toMatchObject({ contentEncoding: 'gzip' });
  });

  it('H44: pins a Last-Modified that is a minute older than the Date of the answer', () => {
    expect(pin(dated(MODIFIED, MINUTE_LATER))).toEqual({ modified: MODIFIED, bytes: 10, contentEncoding: undefined });
    expect(pin(dated('Tuesday, 03-Nov-26 10:00:00 GMT', 'Tue Nov  3 10:01:00 2026'))).toBeDefined();
  });

  it.for<[string, HeaderList]>([
    ['nothing at all', []],
    ['a weak ETag', [['etag', 'W/"a"']]],
    [
      'two ETags',
      [
        ['etag', '"a"'],
        ['etag', '"b"'],
      ],
    ],
    ['a date beside a weak ETag', [['etag', 'W/"a"'], ...dated(MODIFIED, MINUTE_LATER)]],
    ['a date beside an ETag without quotes', [['etag', 'a'], ...dated(MODIFIED, MINUTE_LATER)]],
    ['a date beside an empty ETag', [['etag', ''], ...dated(MODIFIED, MINUTE_LATER)]],
    ['a date without the Date of the answer', [['last-modified', MODIFIED]]],
    ['a date 59 s old', dated(MODIFIED, 'Tue, 03 Nov 2026 10:00:59 GMT')],
    ['a date of tomorrow', dated('Wed, 04 Nov 2026 10:00:00 GMT', MINUTE_LATER)],
    ['something that is no date', dated('yesterday', MINUTE_LATER)],
    ['an answer whose Date is none', dated(MODIFIED, '2026-11-03T10:01:00Z')],
    ['two Dates', [...dated(MODIFIED, MINUTE_LATER), ['date', MINUTE_LATER]]],
    ['two Last-Modifieds', [...dated(MODIFIED, MINUTE_LATER), ['last-modified', MINUTE_LATER]]],
    [
      'Accept-Ranges: none',
      [
        ['etag', '"a"'],
        ['accept-ranges', 'None'],
      ],
    ],
  ])('H44, H52: pins nothing on %s', ([, headers]) => {
    expect(pin(headers)).toBeUndefined();
  });

  it('pins of the whole only', () => {
    expect(pin([['etag', '"a"']], ten, 206)).toBeDefined();
    expect(pin([['etag', '"a"']], ten, 203)).toBeUndefined();
  });
});

describe('isOfVersion', () => {
  const byTag = { etag: '"a"', bytes: 10, contentEncoding: undefined };
  const byDate = { modified: MODIFIED, bytes: 10, contentEncoding: undefined };

  it('H43, H45: takes the pinned ETag only, byte for byte', () => {
    const isSame = (etag: string) => isOfVersion([['etag', etag]], byTag);

    expect([isSame('"a"'), isSame('W/"a"'), isSame('"A"'), isSame('"b"'), isSame('a')]).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(isOfVersion([['last-modified', MODIFIED]], byTag)).toBe(false);
  });

  it('H44: takes the pinned date only, and not when an ETag has come up beside it', () => {
    expect(isOfVersion([['last-modified', MODIFIED]], byDate)).toBe(true);
    expect(isOfVersion([['last-modified', MINUTE_LATER]], byDate)).toBe(false);
    expect(
      isOfVersion(
        [
          ['last-modified', MODIFIED],
          ['etag', 'W/"a"'],
        ],
        byDate,
      ),
    ).toBe(false);
  });

  it('H50: takes the pinned coding only', () => {
    const coded: HeaderList = [
      ['etag', '"a"'],
      ['content-encoding', 'gzip'],
    ];

    expect(isOfVersion(coded, byTag)).toBe(false);
    expect(isOfVersion(coded, { ...byTag, contentEncoding: 'gzip' })).toBe(true);
    expect(isOfVersion([['etag', '"a"']], { ...byTag, contentEncoding: 'gzip' })).toBe(false);
    expect(
      isOfVersion(
        [
          ['etag', '"a"'],
          ['content-encoding', 'identity'],
        ],
        byTag,
      ),
    ).toBe(true);
  });

  it('takes nothing for a version without a validator', () => {
    expect(isOfVersion([], { bytes: 10, contentEncoding: undefined })).toBe(false);
  });
});
