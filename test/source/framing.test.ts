import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyFraming } from '../../lib/source/framing.ts';
import type { HeaderList } from '../../lib/source/header-list.ts';

const length = (...values: readonly string[]): HeaderList => values.map((value) => ['content-length', value] as const);
const coding = (...values: readonly string[]): HeaderList =>
  values.map((value) => ['transfer-encoding', value] as const);

describe('classifyFraming', () => {
  it('H24 H06: knows length, chunked and eof', () => {
    expect(classifyFraming(200, length('0'))).toEqual({ kind: 'length', bytes: 0 });
    expect(classifyFraming(200, length('9007199254740991'))).toEqual({ kind: 'length', bytes: 2 ** 53 - 1 });
    expect(classifyFraming(200, coding('Chunked'))).toEqual({ kind: 'chunked' });
    expect(classifyFraming(200, [['content-type', 'text/plain']])).toEqual({ kind: 'eof' });
  });

  it('H12: takes identical lengths as one', () => {
    expect(classifyFraming(200, length('5', '5'))).toEqual({ kind: 'length', bytes: 5 });
    expect(classifyFraming(200, length('5, 05'))).toEqual({ kind: 'length', bytes: 5 });
  });

  it.for(['', '-5', '+5', 'five', '1 5', '0x5', '5.0', '1e3', '5,', ',', '9007199254740992', '5;'])(
    'H11: calls a Content-Length of %j broken',
    (value) => {
      expect(classifyFraming(200, length(value)).kind).toBe('broken');
    },
  );

  it.for([['5', '3'], ['5, 3'], ['5', '5', '4']])('H13: calls contradicting lengths broken (%j)', (values) => {
    expect(classifyFraming(200, length(...values)).kind).toBe('broken');
  });

  it('H14: never believes a length beside a Transfer-Encoding', () => {
    expect(classifyFraming(200, [...length('5'), ...coding('chunked')]).kind).toBe('broken');
  });

  it.for([
    ['gzip, chunked'],
    ['chunked, gzip'],
    ['identity'],
    ['chunked', 'chunked'],
    ['xchunked'],
    [''],
    ['chunked;q=1'],
  ])('H15: calls the Transfer-Encoding %j broken', (values) => {
    expect(classifyFraming(200, coding(...values)).kind).toBe('broken');
  });

  it.for([100, 204, 304])('H23: knows that %i has no body, whatever its headers say', (status) => {
    expect(classifyFraming(status, [...length('5'), ...coding('gzip')])).toEqual({ kind: 'length', bytes: 0 });
  });

  it('reads every decimal length back, and no other text as one', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(classifyFraming(200, length(String(bytes)))).toEqual({ kind: 'length', bytes });
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { kind } = classifyFraming(200, length(text));
        expect(kind === 'length').toBe(/^\d+(\s*,\s*\d+)*$/.test(text.trim()) && kind !== 'broken');
      }),
    );
  });
});
