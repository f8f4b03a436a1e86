import { describe, expect, it } from 'vitest';
import { checkResponse, readErrorCode } from '../../lib/source/check-response.ts';
import type { FramingVerdict } from '../../lib/source/framing.ts';
import type { HeaderList } from '../../lib/source/header-list.ts';

const five: FramingVerdict = { kind: 'length', bytes: 5 };

function decide(status: number, headers: HeaderList = [], framing: FramingVerdict = five, ifNoneMatch?: string) {
  const asked = { url: new URL('https://u:p@example.com/f?sig=secret'), ifNoneMatch, nowMs: 0 };
  return checkResponse({ status, headers, framing }, asked);
}

describe('checkResponse', () => {
  it.for<FramingVerdict>([five, { kind: 'chunked' }, { kind: 'eof' }])('takes a 200 framed by %j', (framing) => {
    expect(decide(200, [], framing)).toEqual({ action: 'body', framing });
  });

  it('takes no 200 whose framing is broken, but believes an error status all the same', () => {
    const broken: FramingVerdict = { kind: 'broken', why: 'two lengths' };

    expect(decide(200, [], broken)).toMatchObject({ action: 'fail', error: { name: 'ProtocolError' } });
    expect(decide(404, [], broken)).toMatchObject({ action: 'fail', error: { name: 'NotFound' } });
  });

  it('H23: takes a 304 only as the answer to a question, and for the tag it asked about', () => {
    const tag = (etag: string): HeaderList => [['etag', etag]];

    expect(decide(304)).toMatchObject({ error: { name: 'UnexpectedStatus' } });
    expect(decide(304, [], five, '"1"')).toEqual({ action: 'not-modified' });
    expect(decide(304, tag('"1"'), five, '"1"')).toEqual({ action: 'not-modified' });
    expect(decide(304, tag('W/"1"'), five, '"1"')).toEqual({ action: 'not-modified' });
    expect(decide(304, tag('"2"'), five, '"1"')).toMatchObject({ error: { name: 'ProtocolError' } });
  });

  it('H66: takes two Content-Ranges as neither', () => {
    const whole = ['content-range', 'bytes 0-4/5'] as const;

    expect(decide(206, [whole])).toEqual({ action: 'body', framing: five });
    expect(decide(206, [whole, whole])).toMatchObject({ error: { name: 'UnexpectedStatus' } });
  });

  it('H62: hands on how long to wait, when the host said so', () => {
    expect(decide(429, [['retry-after', '2']])).toMatchObject({ error: { details: { retryAfterMs: 2_000 } } });
    expect(decide(429, [['retry-after', 'soon']])).not.toHaveProperty('error.details.retryAfterMs');
  });

  it('H62: waits as long as the longest of several Retry-After says that can be read', () => {
    const several: HeaderList = ['soon', '2', '-5', 'Thu, 01 Jan 1970 00:00:09 GMT', '1', '1e9'].map(
      (value) => ['retry-after', value] as const,
    );

    expect(decide(503, several)).toMatchObject({ error: { details: { retryAfterMs: 9_000 } } });
  });

  it('H62: counts a Retry-After that is a date from the time that the source believes it is', () => {
    const at = (date: string) =>
      decide(503, [
        ['retry-after', 'Thu, 01 Jan 1970 01:00:30 GMT'],
        ['date', date],
      ]);

    expect(at('Thu, 01 Jan 1970 01:00:00 GMT')).toMatchObject({ error: { details: { retryAfterMs: 30_000 } } });
    expect(at('Thu, 01 Jan 1970 02:00:00 GMT')).toMatchObject({ error: { details: { retryAfterMs: 0 } } });
    // No date that can be read: our own clock, which stands at 0 here.
    expect(at('now')).toMatchObject({ error: { details: { retryAfterMs: 3_600_000 } } });
  });

  it('says what happened without the query or user info', () => {
    expect(decide(500)).toMatchObject({ error: { message: 'https://example.com/f?… answered 500' } });
  });
});

describe('readErrorCode', () => {
  it('H65: finds the code of an S3-style error, and nothing that is none', () => {
    expect(readErrorCode('<Error><Code>AccessDenied</Code></Error>')).toBe('AccessDenied');
    expect(readErrorCode('<Code>not a code</Code>')).toBeUndefined();
    expect(readErrorCode(`<Code>${'a'.repeat(65)}</Code>`)).toBeUndefined();
    expect(readErrorCode('')).toBeUndefined();
  });
});
