import { describe, expect } from 'vitest';
import {
  CODE,
  data,
  FLAG,
  type Frames,
  frame,
  goAway,
  headers,
  rstStream,
  settings,
  TYPE,
} from '../support/http2-frames.ts';
import { startOrigin } from '../support/origin.ts';
import { bytesOf } from '../support/origin-bytes.ts';
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
const behindFive = (frames: Frames, next: 'go-on' | 'stop' | 'fin' | 'rst' = 'stop') => ({
  http2: { at: { afterBytes: 5, frames, next } },
});

describe('GOAWAY', () => {
  it.for([
    ['before the answer', instead(() => [goAway(0)])],
    ['with an error code before the answer', instead(() => [goAway(0, CODE.calm)])],
    [
      'with an error code in the body',
      { ...hello, ...behindFive((stream) => [goAway(stream, CODE.internal)], 'go-on') },
    ],
    ['in the body, and the end of the connection', { ...hello, ...behindFive((stream) => [goAway(stream)], 'fin') }],
    [
      'in a body without length, and the end of the connection',
      { ...hello, framing: 'chunked', ...behindFive((stream) => [goAway(stream)], 'fin') },
    ],
  ] as const)(
    'H35: %s is ConnectionLost, and the next request has a new connection',
    async ([, script], { origin, source }) => {
      origin.on('/f', script);
      origin.on('/next', { body: 'next' });
      const client = source.client();

      expect(await source.outcome('/f', { client })).toBe('ConnectionLost');
      expect(String((await source.read('/next', { client })).bytes)).toBe('next');

      expect(origin.requests.length).toBe(2);
      expect(origin.connections).toMatchObject({ total: 2, max: 1 });
    },
  );

  it.for([
    ['announced before the answer', { ...hello, http2: { before: () => [goAway(2 ** 31 - 1)] } }],
    ['in the body', { ...hello, ...behindFive((stream) => [goAway(stream)], 'go-on') }],
    ['behind the body', { ...hello, close: true }],
  ] as const)(
    'H35: %s in peace lets the response end, and the next one has a new connection',
    async ([, script], { origin, source }) => {
      origin.on('/f', script);
      const client = source.client();

      for (let round = 0; round < 10; round += 1) {
        expect(String((await source.read('/f', { client })).bytes)).toBe('hello world');
      }

      expect(origin.connections).toMatchObject({ total: 10, max: 1 });
    },
  );

  it('H35: for a request that crosses it on a used connection is no failure; on a fresh one it is', async ({
    origin,
    source,
  }) => {
    origin.on('/f', hello);
    origin.on(
      '/refused',
      instead(() => [goAway(0)]),
    );
    const client = source.client();
    await source.read('/f', { client });

    expect(await source.outcome('/refused', { client })).toBe('ConnectionLost');

    expect(origin.requests.map(({ path, connection }) => [path, connection])).toEqual([
      ['/f', 1],
      ['/refused', 1],
      ['/refused', 2],
    ]);
    expect(origin.connections.max).toBe(1);
  });
});

describe('RST_STREAM', () => {
  const codes = Object.entries(CODE).filter(([name]) => name !== 'http11');

  it.for(codes.flatMap(([name, code]) => [[name, code, 'length'] as const, [name, code, 'chunked'] as const]))(
    'H36: %s (%i) in a body (%s) is ConnectionLost, never an end',
    async ([, code, framing], { origin, source }) => {
      origin.on('/f', { ...hello, framing, ...behindFive((stream) => [rstStream(stream, code)]) });
      origin.on('/next', { body: 'next' });
      const client = source.client();

      const read = await source.read('/f', { client });

      expect([String(read.bytes), read.error?.name]).toEqual(['hello', 'ConnectionLost']);
      expect(String((await source.read('/next', { client })).bytes)).toBe('next');
      expect(origin.connections.max).toBe(1);
    },
  );

  it.for([
    ['none', 'ConnectionLost'],
    ['internal', 'ConnectionLost'],
    ['refused', 'ConnectionLost'],
    ['cancel', 'ConnectionLost'],
    ['calm', 'ConnectionLost'],
    ['protocol', 'ProtocolError'],
    ['http11', 'ProtocolError'],
  ] as const)(
    'H36: %s instead of an answer is %s, and is not sent again in secret',
    async ([code, name], { origin, source }) => {
      origin.on(
        '/f',
        instead((stream) => [rstStream(stream, CODE[code])]),
      );

      expect((await source.refusal('/f')).name).toBe(name);
      expect(origin.requests.length).toBe(1);
    },
  );

  it('H36: behind all bytes, but before their end, is no end either', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello', framing: 'chunked', ...behindFive((stream) => [rstStream(stream, CODE.none)]) });

    expect((await source.read('/f')).error?.name).toBe('ConnectionLost');
  });
});

describe('a body over HTTP/2', () => {
  it.for(['fin', 'rst'] as const)(
    'H36: shorter than its length is ConnectionLost (ended by its stream, or %s)',
    async (by, { origin, source }) => {
      origin.on('/stream', { body: 'hello', contentLength: 10 });
      origin.on('/cut', { ...hello, framing: 'chunked', cut: { afterBytes: 5, by } });

      for (const path of ['/stream', '/cut']) {
        const read = await source.read(path);
        expect([String(read.bytes), read.error?.name]).toEqual(['hello', 'ConnectionLost']);
      }
    },
  );

  it.for([
    ['in one frame', { body: 'hello world', contentLength: 5 }, ''],
    [
      'in two',
      { body: 'hello', contentLength: 5, ...behindFive((stream) => [data(stream, 'x', FLAG.endStream)]) },
      'hello',
    ],
    ['where it is 0', instead((stream) => [headers(stream, [ok, ['content-length', '0']]), data(stream, 'x')]), ''],
  ] as const)(
    `H10: ${differences.surplus.fault}: ${differences.surplus.h2} (%s)`,
    async ([, script, bytes], { origin, source }) => {
      origin.on('/f', script);

      const read = await source.read('/f');

      expect([String(read.bytes), read.error?.name]).toEqual([bytes, differences.surplus.h2]);
    },
  );

  it('H06: without length, it ends with its stream and is proven by it', async ({ origin, source }) => {
    origin.on('/f', { ...hello, framing: 'eof' });

    const { opened, bytes, error } = await source.read('/f');

    expect([opened.framing, String(bytes), error]).toEqual([{ kind: 'chunked' }, 'hello world', undefined]);
  });

  it(`H06: ${differences.eof.fault}: ${differences.eof.h2}`, async ({ origin, source }) => {
    origin.on('/f', { ...hello, framing: 'eof', cut: { afterBytes: 11, by: 'fin' } });

    expect(await source.outcome('/f')).toBe(differences.eof.h2);
  });

  it('H74: larger than every window arrives whole, a hundred of them on one connection', async ({ origin, source }) => {
    origin.on('/large', { body: { seed: 1, bytes: 5_000_000 } });
    origin.on('/small', { body: { seed: 2, bytes: 100_000 } });
    const client = source.client();

    expect((await source.read('/large', { client })).bytes.equals(bytesOf(1, 5_000_000))).toBe(true);
    for (let round = 0; round < 100; round += 1) {
      expect((await source.read('/small', { client })).bytes.equals(bytesOf(2, 100_000))).toBe(true);
    }

    expect(origin.connections.total).toBe(1);
  });
});

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
