import { describe, expect } from 'vitest';
import { CODE, data, FLAG, type Frames, goAway, headers, rstStream } from '../support/http2-frames.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import type { Script } from '../support/origin-script.ts';
import { differences } from './back-end-differences.ts';
import { testOver } from './fixture.ts';

const it = testOver('h2');

const ok = [':status', '200'] as const;
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
