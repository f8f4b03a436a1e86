import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectRequest, readConnectAnswer, refusalOf } from '../../lib/source/connect-answer.ts';

const proxy = new URL('http://proxy.test:3128');
const read = (text: string) => readConnectAnswer(Buffer.from(text, 'latin1'));

describe('a request for a tunnel', () => {
  it.each([
    ['93.184.215.14', '93.184.215.14:443'],
    ['2606:2800:21f::1', '[2606:2800:21f::1]:443'],
    ['example.com', 'example.com:443'],
  ])('names %s as %s', (place, authority) => {
    const text = connectRequest(place, '443', { userAgent: 'x' });

    expect(text).toBe(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: x\r\n\r\n`);
  });

  it('says who asks in UTF-8', () => {
    const text = connectRequest('a.test', '443', { userAgent: 'x', credentials: { username: 'jö', password: 'a:b' } });

    expect(text).toContain(`Proxy-Authorization: Basic ${Buffer.from('jö:a:b').toString('base64')}\r\n`);
  });
});

describe('the answer of a proxy', () => {
  it.each([
    '',
    'H',
    'HTTP/1',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 200 OK\r\nA: b\r\n\r',
    'HTTP/1.1 100 C\r\n\r\nHTTP/1.1 2',
  ])('is awaited behind %j', (text) => {
    expect(read(text)).toEqual({ kind: 'incomplete' });
  });

  it.each([
    'SSH-2.0',
    '\x16\x03\x01',
    'HTTP/2',
    'HTTP/1.1 OK\r\n\r\n',
    'HTTP/1.1 20\r\n\r\n',
    'HTTP/1.1 101 X\r\n\r\n',
    'HTTP/1.1 099 X\r\n\r\n',
  ])('is broken where it is %j', (text) => {
    expect(read(text)).toMatchObject({ kind: 'broken' });
  });

  it('is broken where it does not come to an end', () => {
    const line = `X: ${'x'.repeat(1_000)}\r\n`;

    expect(read(`HTTP/1.1 200 OK\r\n${line.repeat(66)}`)).toMatchObject({ kind: 'broken' });
    expect(read(`HTTP/1.1 200 OK\r\n${line.repeat(66)}\r\n`)).toMatchObject({ kind: 'broken' });
    expect(read(`HTTP/1.1 200 OK\r\n${line.repeat(60)}\r\n`)).toMatchObject({ kind: 'final' });
  });

  it('is the same however it is cut, and leaves every byte behind it', () => {
    const interim = fc.array(fc.integer({ min: 102, max: 199 }), { maxLength: 3 });
    const status = fc.integer({ min: 200, max: 999 });
    fc.assert(
      fc.property(interim, status, fc.uint8Array({ maxLength: 40 }), (before, last, rest) => {
        const head = [...before, last].map((one) => `HTTP/1.1 ${one} x\r\nA: b\r\n\r\n`).join('');
        const all = Buffer.concat([Buffer.from(head), rest]);

        for (let end = 0; end < head.length; end += 1) {
          expect(readConnectAnswer(all.subarray(0, end)).kind).toBe('incomplete');
        }
        expect(readConnectAnswer(all)).toEqual({ kind: 'final', status: last, rest: Buffer.from(rest) });
      }),
    );
  });

  it.each([
    [200, undefined],
    [204, undefined],
    [299, undefined],
    [302, 'ProxyFailed'],
    [400, 'ProxyRefused'],
    [403, 'ProxyRefused'],
    [407, 'ProxyRefused'],
    [408, 'ProxyFailed'],
    [429, 'ProxyFailed'],
    [500, 'ProxyFailed'],
    [502, 'ProxyFailed'],
    [999, 'ProxyFailed'],
  ])('%i means %s, and is the matter of the target', (status, name) => {
    const error = refusalOf(status, 'a.test', proxy);

    expect(error?.name).toBe(name);
    if (error !== undefined) expect(error.details).toEqual({ host: 'a.test' });
  });
});
