import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FramingVerdict } from '../../lib/source/framing.ts';
import type { HeaderList } from '../../lib/source/header-list.ts';
import { type AskedRange, judgeResume } from '../../lib/source/judge-resume.ts';

const url = new URL('https://example.com/f');
const version = { etag: '"v1"', bytes: 100, contentEncoding: undefined };
const length = (bytes: number): FramingVerdict => ({ kind: 'length', bytes });

function judge(status: number, headers: HeaderList, framing: FramingVerdict, asked: Partial<AskedRange> = {}) {
  const all = { url, nowMs: 0, version, from: 40, isConditional: true, ...asked };
  return judgeResume({ status, headers, framing }, all);
}

const part = (range: string, etag = '"v1"'): HeaderList => [
  ['content-range', range],
  ['etag', etag],
];

describe('judgeResume', () => {
  it('H37, H40: takes the range, also a shorter one, framed by its length or counted', () => {
    expect(judge(206, part('bytes 40-99/100'), length(60))).toEqual({ action: 'rest', to: 99, totalBytes: 100 });
    expect(judge(206, part('bytes 40-49/100'), length(10))).toEqual({ action: 'rest', to: 49, totalBytes: 100 });
    expect(judge(206, part('Bytes 40-49/100'), { kind: 'chunked' }, { to: 49 })).toMatchObject({ action: 'rest' });
    expect(judge(206, part('bytes 40-49/100'), { kind: 'eof' }, { to: 49 })).toMatchObject({ action: 'rest' });
  });

  it('learns the total where it was not known', () => {
    const unknown = { ...version, bytes: undefined };

    expect(judge(206, part('bytes 40-49/70'), length(10), { version: unknown })).toMatchObject({ totalBytes: 70 });
    expect(judge(206, part('bytes 40-49/49'), length(10), { version: unknown })).toMatchObject({ action: 'changed' });
  });

  it.for<[row: string, what: string, headers: HeaderList, framing?: FramingVerdict]>([
    ['H39', 'that begins before', part('bytes 39-99/100'), length(61)],
    ['H39', 'that begins behind', part('bytes 41-99/100'), length(59)],
    ['H39', 'that begins at 0', part('bytes 0-99/100'), length(100)],
    ['H39', 'that ends behind', part('bytes 40-95/100'), length(56)],
    ['H41', 'without Content-Range', [['etag', '"v1"']]],
    ['H41', 'with two of them', [...part('bytes 40-90/100'), ['content-range', 'bytes 40-90/100']]],
    ['H41', 'in other units', part('items 40-90/100')],
    ['H41', 'without total', part('bytes 40-90/*')],
    ['H41', 'with an end before its beginning', part('bytes 40-39/100')],
    ['H41', 'with an end behind its total', part('bytes 40-90/90')],
    ['H41', 'with signs', part('bytes +40-90/100')],
    ['H41', 'with a number beyond 2^53', part('bytes 40-90/9007199254740993')],
    ['H41', 'of another total', part('bytes 40-90/101')],
    ['H41', 'of another length than its body', part('bytes 40-90/100'), length(50)],
    ['H43', 'of another strong ETag', part('bytes 40-90/100', '"v2"')],
    ['H43', 'of the same ETag, weak', part('bytes 40-90/100', 'W/"v1"')],
    ['H45', 'without ETag', [['content-range', 'bytes 40-90/100']]],
    ['H50', 'in a coding', [...part('bytes 40-90/100'), ['content-encoding', 'gzip']]],
  ])('%s: takes no 206 %s', ([, , headers, framing = length(51)]) => {
    expect(judge(206, headers, framing, { to: 90 })).toMatchObject({ action: 'changed' });
  });

  it('H38: takes a 200 for the whole, of another version or of a source without ranges', () => {
    const whole = (etag: string, ...more: HeaderList): HeaderList => [['etag', etag], ...more];
    const plain = { isConditional: false };

    expect(judge(200, whole('"v2"'), length(100))).toMatchObject({ action: 'whole', why: 'changed' });
    expect(judge(200, [], length(100))).toMatchObject({ action: 'whole', why: 'changed' });
    expect(judge(200, whole('"v1"'), length(101))).toMatchObject({ action: 'whole', why: 'changed' });
    expect(judge(200, whole('"v1"'), length(100), plain)).toMatchObject({ action: 'whole', why: 'no-ranges' });
    expect(judge(200, whole('"v1"', ['accept-ranges', 'none']), length(100))).toMatchObject({ why: 'no-ranges' });
  });

  it('H46: asks plainly when If-Range brought the whole of the very version', () => {
    expect(judge(200, [['etag', '"v1"']], length(100))).toEqual({ action: 'ask-plainly' });
    expect(judge(200, [['etag', '"v1"']], { kind: 'chunked' })).toEqual({ action: 'ask-plainly' });
  });

  it('H47: takes a 412 for a change', () => {
    expect(judge(412, [], length(0))).toMatchObject({ action: 'changed' });
  });

  it('H48: takes a 416 for the end only where the length is ours', () => {
    const end = (range: string, bytes: number | undefined, from = 40) =>
      judge(416, [['content-range', range]], length(0), { from, version: { ...version, bytes } }).action;

    expect(end('bytes */40', undefined)).toBe('confirm-end');
    expect(end('bytes */100', 100, 100)).toBe('complete');
    expect(end('bytes */40', 100)).toBe('changed');
    expect(end('bytes */100', 100)).toBe('changed');
    expect(end('bytes */41', undefined)).toBe('changed');
    expect(end('bytes */*', undefined)).toBe('changed');
    expect(end('bytes */0', undefined, 0)).toBe('changed');
    expect(judge(416, [], length(0)).action).toBe('changed');
    expect(
      judge(
        416,
        [
          ['content-range', 'bytes */40'],
          ['content-range', 'bytes */40'],
        ],
        length(0),
      ).action,
    ).toBe('changed');
  });

  it.for([
    [429, 'Throttled'],
    [503, 'Throttled'],
    [500, 'SourceUnavailable'],
    [404, 'NotFound'],
    [403, 'AccessDenied'],
    [203, 'UnexpectedStatus'],
    [304, 'UnexpectedStatus'],
  ] as const)('H62, H64, H65, H66: fails on %i as %s', ([status, name]) => {
    expect(judge(status, part('bytes 40-99/100'), length(60))).toMatchObject({ action: 'fail', error: { name } });
  });

  it('H13: fails on a 200 or 206 whose framing is broken', () => {
    const broken: FramingVerdict = { kind: 'broken', why: 'two lengths' };

    expect(judge(206, part('bytes 40-99/100'), broken)).toMatchObject({ error: { name: 'ProtocolError' } });
    expect(judge(200, [], broken)).toMatchObject({ error: { name: 'ProtocolError' } });
  });
});

describe('judgeResume, whatever comes', () => {
  const small = fc.integer({ min: 0, max: 12 });
  const etags = fc.constantFrom('"a"', '"b"', 'W/"a"', 'a', '');
  const dates = fc.constantFrom('Tue, 03 Nov 2026 10:00:00 GMT', 'Wed, 04 Nov 2026 10:00:00 GMT');
  const codings = fc.constantFrom(undefined, 'gzip');
  const often = <T>(value: T, arb: fc.Arbitrary<T>) => fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, arb);

  const answers = fc.record({
    status: often(206, fc.constantFrom(200, 206, 412, 416, 500)),
    unit: often('bytes', fc.constantFrom('items', 'bytes=', '')),
    from: often(4, small),
    to: often(9, small),
    total: often<number | string>(10, fc.oneof(small, fc.constant('*'))),
    ranges: often(1, fc.constantFrom(0, 2)),
    etag: often<string | undefined>('"a"', fc.option(etags, { nil: undefined })),
    modified: fc.option(dates, { nil: undefined }),
    coding: often(undefined, codings),
    framing: fc.oneof(
      small.map(length),
      fc.constantFrom<FramingVerdict>(length(6), { kind: 'chunked' }, { kind: 'eof' }, { kind: 'broken', why: 'x' }),
    ),
  });
  const questions = fc.record({
    version: fc.record({
      etag: often<string | undefined>('"a"', fc.constantFrom(undefined, 'W/"a"')),
      modified: fc.option(dates, { nil: undefined }),
      bytes: often<number | undefined>(10, fc.option(small, { nil: undefined })),
      contentEncoding: often(undefined, codings),
    }),
    from: often(4, small),
    to: fc.option(small, { nil: undefined }),
    isConditional: fc.boolean(),
  });

  it('H37 to H45, H50: says rest only where range, total, length, coding and validator are all the asked ones', () => {
    let rests = 0;
    fc.assert(
      fc.property(answers, questions, (answer, asked) => {
        const range = ['content-range', `${answer.unit} ${answer.from}-${answer.to}/${answer.total}`] as const;
        const headers: HeaderList = [
          ...Array.from({ length: answer.ranges }, () => range),
          ...(answer.etag === undefined ? [] : [['etag', answer.etag] as const]),
          ...(answer.modified === undefined ? [] : [['last-modified', answer.modified] as const]),
          ...(answer.coding === undefined ? [] : [['content-encoding', answer.coding] as const]),
        ];
        const { version } = asked;
        const isSameValidator =
          version.etag === undefined
            ? version.modified !== undefined && answer.modified === version.modified && answer.etag === undefined
            : version.etag.startsWith('"') && answer.etag === version.etag;
        const { framing } = answer;
        const isRest =
          answer.status === 206 &&
          answer.ranges === 1 &&
          answer.unit === 'bytes' &&
          answer.from === asked.from &&
          answer.from <= answer.to &&
          answer.to <= (asked.to ?? answer.to) &&
          typeof answer.total === 'number' &&
          answer.to < answer.total &&
          answer.total === (version.bytes ?? answer.total) &&
          framing.kind !== 'broken' &&
          (framing.kind !== 'length' || framing.bytes === answer.to - answer.from + 1) &&
          answer.coding === version.contentEncoding &&
          isSameValidator;

        const decision = judgeResume({ status: answer.status, headers, framing }, { ...asked, url, nowMs: 0 });

        rests += isRest ? 1 : 0;
        expect(decision.action === 'rest').toBe(isRest);
        if (decision.action === 'rest') expect(decision).toMatchObject({ to: answer.to, totalBytes: answer.total });
      }),
      { numRuns: 10_000 },
    );
    expect(rests).toBeGreaterThan(50);
  });
});
