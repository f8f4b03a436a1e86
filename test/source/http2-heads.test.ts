import { describe, expect } from 'vitest';
import { data, FLAG, type Frames, frame, headers, settings, TYPE } from '../support/http2-frames.ts';
import { startOrigin } from '../support/origin.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import type { Script } from '../support/origin-script.ts';
import { differences } from './back-end-differences.ts';
import { asked, failureOf, it as plainIt, testOver } from './fixture.ts';

const it = testOver('h2');
const SHORT_MS = 300;

const ok = [':status', '200'] as const;
const answer = (...fields: readonly (readonly [string, string])[]): Frames => {
  return (stream) => [headers(stream, [ok, ...fields]), data(stream, 'hello', FLAG.endStream)];
};
const instead = (frames: Frames): Script => ({ http2: { instead: frames } });
const hello = { body: 'hello world' } as const;

describe('a head over HTTP/2', () => {
  const many = (count: number, length: number) =>
    Array.from({ length: count }, (_, index) => [`y${index}`, 'z'.repeat(length)] as const);

  it.for<[string, string, Frames]>([
    ...['-5', 'five', '0x5', '1 5', '+5', '9007199254740993', '99999999999999999999999', '5, 5', '5, 3'].map(
      (length): [string, string, Frames] => [
        'H11, H13',
        `Content-Length ${length}`,
        answer(['content-length', length]),
      ],
    ),
    ['H12', 'Content-Length twice', answer(['content-length', '5'], ['content-length', '5'])],
    ['H13', 'two Content-Lengths', answer(['content-length', '5'], ['content-length', '3'])],
    ['H14', 'Transfer-Encoding', answer(['transfer-encoding', 'chunked'])],
    ['H17', 'Connection', answer(['connection', 'close'])],
    ['H17', 'upper case', answer(['ETag', '"1"'])],
    ['H20', 'no status', (stream) => [headers(stream, [['x', 'y']], FLAG.endStream)]],
    ['H20', 'a status that is no number', (stream) => [headers(stream, [[':status', 'abc']], FLAG.endStream)]],
    ['H20', 'two statuses', answer(['x', 'y'], [':status', '200'])],
    ['H19', '101', (stream) => [headers(stream, [[':status', '101']])]],
    ['H19', 'an interim response that ends', (stream) => [headers(stream, [[':status', '103']], FLAG.endStream)]],
    ['H19', 'a storm of them', (stream) => Array.from({ length: 1_000 }, () => headers(stream, [[':status', '102']]))],
    ['H20', 'HTTP/1.1', () => [Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')]],
    ['H20', 'a body without a head', (stream) => [data(stream, 'hello', FLAG.endStream)]],
    [
      'H20',
      'a header table that does not exist',
      (stream) => [frame(TYPE.headers, 5, stream, Buffer.from([0xff, 0xff]))],
    ],
    ['H20', 'a pushed response', (stream) => [frame(TYPE.push, FLAG.endHeaders, stream, Buffer.from([0, 0, 0, 2]))]],
    ['H20', 'half a SETTINGS frame', () => [frame(TYPE.settings, 0, 0, Buffer.alloc(5))]],
    ['H20', 'a flood of SETTINGS', () => Array.from({ length: 5_000 }, () => settings(3, 100))],
    ['H20', 'a flood of PINGs', () => Array.from({ length: 5_000 }, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8)))],
    ['H18', 'headers without end', (stream) => [headers(stream, [ok, ...many(300, 1_000)])]],
  ])('%s: with %s is a ProtocolError', async ([, , frames], { origin, source }) => {
    origin.on('/f', instead(frames));
    origin.on('/next', { body: 'next' });
    const client = source.client();

    expect(await source.refusal('/f', { client })).toMatchObject({ name: 'ProtocolError', retryable: false });
    expect(String((await source.read('/next', { client })).bytes)).toBe('next');
  });

  it.for([
    ['a frame larger than agreed', (stream: number) => data(stream, Buffer.alloc(20_000))],
    ['data of no stream', () => data(0, 'x')],
    ['data of a stream that nobody opened', (stream: number) => data(stream + 2, 'x')],
    ['more padding than frame', (stream: number) => frame(TYPE.data, 8, stream, Buffer.from([9, 1]))],
  ] as const)('H20: %s in the body is a ProtocolError', async ([, broken], { origin, source }) => {
    origin.on(
      '/f',
      instead((stream) => [headers(stream, [ok]), data(stream, 'hello'), broken(stream)]),
    );

    const read = await source.read('/f');

    expect('hello'.startsWith(String(read.bytes))).toBe(true);
    expect(read.error?.name).toBe('ProtocolError');
  });

  it.for([
    ['70 of a thousand bytes', many(70, 1_000), 'HeadersTooLarge'],
    ['60 of a thousand bytes', many(60, 1_000), 'read'],
    ['8,000 small ones', many(8_000, 0), 'HeadersTooLarge'],
    ['3,000 small ones', many(3_000, 0), 'read'],
  ] as const)('H18: %s are judged by their bytes', async ([, fields, outcome], { origin, source }) => {
    origin.on('/f', instead(answer(...fields)));

    expect(await source.outcome('/f')).toBe(outcome);
  });

  it('H19: 103 and 100 before the answer are passed over', async ({ origin, source }) => {
    const interim: Frames = (stream) => ['103', '100'].map((status) => headers(stream, [[':status', status]]));
    origin.on('/f', { ...hello, http2: { before: interim } });

    expect(String((await source.read('/f')).bytes)).toBe('hello world');
  });

  it.for(['a\0b', 'a\rb', 'a\nb'])(
    `H17: ${differences.control.fault}: ${differences.control.h2} (%j)`,
    async (value, { origin, source }) => {
      origin.on('/f', instead(answer(['etag', value], ['last-modified', 'x'])));

      const { opened, bytes } = await source.read('/f');

      expect(String(bytes)).toBe('hello');
      expect(opened.validators).toEqual({ strongEtag: undefined, weakEtag: undefined, lastModified: 'x' });
    },
  );

  it('H43: two ETags say nothing, though HTTP/2 hands on the first', async ({ origin, source }) => {
    origin.on('/f', instead(answer(['etag', '"1"'], ['etag', '"2"'])));

    expect((await source.read('/f')).opened.version).toBeUndefined();
  });

  it.for(['fin', 'rst'] as const)(
    'H22: none, and the end of the connection (%s), is ConnectionLost',
    async (by, { origin, source }) => {
      origin.on('/f', { ...instead(() => []), cut: { afterBytes: 0, by } });

      expect((await source.refusal('/f')).name).toBe('ConnectionLost');
    },
  );

  it('H27: a server that takes no streams at all is a HeadersTimeout', async ({ origin, source }) => {
    const MAX_CONCURRENT_STREAMS = 3;
    origin.on('/f', { ...hello, http2: { before: () => [settings(MAX_CONCURRENT_STREAMS, 0)] } });
    const client = source.client({ policy: { headersTimeoutMs: SHORT_MS } });

    expect(String((await source.read('/f', { client })).bytes)).toBe('hello world');
    expect((await source.refusal('/f', { client })).name).toBe('HeadersTimeout');
    expect(String((await source.read('/f', { client })).bytes)).toBe('hello world');
  });
});

describe('a host that speaks no HTTP/2', () => {
  it(`${differences.noHttp2.fault}: ${differences.noHttp2.h2}`, async ({ source }) => {
    const tls = makeCertificate();
    const refusing = await startOrigin({ '/f': { body: 'hello' } }, { tls: { ...tls, ALPNProtocols: ['http/1.1'] } });
    const silent = await startOrigin({ '/f': { body: 'hello' } }, { tls });
    const client = source.client({ ca: tls.cert });

    const names = [
      (await source.refusal(refusing.url('/f'), { client })).name,
      (await source.refusal(silent.url('/f'), { client })).name,
    ];

    expect(names).toEqual([differences.noHttp2.h2, differences.noHttp2.h2]);
    expect([...refusing.requests, ...silent.requests]).toEqual([]);
    await Promise.all([refusing.close(), silent.close()]);
  });

  it(`${differences.plainHttp.fault}: ${differences.plainHttp.h2}, before anything connects`, async ({ source }) => {
    const plain = await startOrigin({ '/f': { body: 'hello' } });

    const error = await source.refusal(plain.url('/f?sig=secret'));

    expect(error.name).toBe(differences.plainHttp.h2);
    expect(error.message).not.toContain('secret');
    expect(plain.connections.total).toBe(0);
    await plain.close();
  });
});

describe('HTTP/2 only', () => {
  for (const backend of ['undici', 'node'] as const) {
    plainIt(`${differences.noHttp1.fault}: ${differences.noHttp1[backend]} (${backend})`, async ({ source }) => {
      const tls = makeCertificate();
      const modern = await startOrigin({ '/f': { body: 'hello' } }, { tls, http2: true });
      const client = source.client({ ca: tls.cert, backend });

      expect((await failureOf(client.open(asked(modern.url('/f'))))).name).toBe(differences.noHttp1[backend]);
      await modern.close();
    });
  }
});
