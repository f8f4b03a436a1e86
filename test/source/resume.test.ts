import { expect } from 'vitest';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { asked, conformance, EVERY_BACKEND, failureOf, openAt, readBody } from './fixture.ts';
import {
  askedRest,
  byDate,
  byTag,
  MODIFIED,
  part,
  rangesOf,
  textOf,
  unknownLength,
  withRest,
} from './resume-fixture.ts';

const dated = { headers: { 'Last-Modified': MODIFIED, Date: 'Tue, 03 Nov 2026 10:05:00 GMT' } };

conformance('the rest of the same version', EVERY_BACKEND, (it) => {
  it('H37: is asked for with Range and If-Range and comes byte for byte', async ({ origin, source }) => {
    origin.on(
      '/f',
      ranged({ seed: 1, bytes: 1_000_000 }, '"v1"', (request) =>
        request.headers.range === undefined ? { cut: { afterBytes: 600_000, by: 'rst' } } : {},
      ),
    );
    const client = source.client();
    const first = await source.read('/f', { client });
    const { version } = first.opened;
    if (version === undefined) throw new Error('no version');

    const resumed = withRest(await client.resume({ ...asked(origin.url('/f')), version, from: first.bytes.length }));
    const rest = await readBody(resumed.body);

    expect(first.error?.name).toBe('ConnectionLost');
    expect(version).toEqual({ etag: '"v1"', bytes: 1_000_000, contentEncoding: undefined });
    expect(origin.requests[1]?.headers).toMatchObject({ range: `bytes=${first.bytes.length}-`, 'if-range': '"v1"' });
    expect(resumed).toMatchObject({ status: 206, from: first.bytes.length, to: 999_999, version });
    expect(Buffer.concat([first.bytes, rest.bytes]).equals(bytesOf(1, 1_000_000))).toBe(true);
  });

  it('H37: ends where it was asked to end, and keeps its connection', async ({ origin, source }) => {
    origin.on('/f', ranged('hello world', '"v1"'));
    const client = source.client();

    expect(await textOf(await client.resume(askedRest(origin.url('/f'), { from: 2, to: 4 })))).toBe('llo');
    expect(await textOf(await client.resume(askedRest(origin.url('/f'), { from: 5 })))).toBe(' world');
    expect(rangesOf(origin)).toEqual([
      ['bytes=2-4', '"v1"'],
      ['bytes=5-', '"v1"'],
    ]);
    expect(origin.connections.total).toBe(1);
  });

  it('H37: is known by an ETag of any characters that are allowed in one', async ({ origin, source }) => {
    const etag = '"\xe9!#~"';
    origin.on('/f', ranged('hello world', etag));
    const version = { ...byTag, etag };

    expect(await textOf(await source.client().resume(askedRest(origin.url('/f'), { version })))).toBe(' world');
  });

  it('H40: may be shorter than was asked, and says so', async ({ origin, source }) => {
    origin.on('/f', part('bytes 5-7/11', ' wo'));

    const resumed = await source.client().resume(askedRest(origin.url('/f')));

    expect(withRest(resumed)).toMatchObject({ from: 5, to: 7, version: { bytes: 11 } });
    expect(await textOf(resumed)).toBe(' wo');
  });

  it('H40: tells the total where it was not known', async ({ origin, source }) => {
    origin.on('/f', ranged('hello world', '"v1"'));

    const resumed = await source.client().resume(askedRest(origin.url('/f'), { version: unknownLength, to: 6 }));

    expect(withRest(resumed)).toMatchObject({ to: 6, version: { etag: '"v1"', bytes: 11 } });
    expect(await textOf(resumed)).toBe(' w');
  });

  it('H44: is known by a strong Last-Modified where there is no ETag', async ({ origin, source }) => {
    origin.on('/f', ranged('hello world', undefined, dated));
    const client = source.client();

    const { version } = await openAt(client, origin.url('/f'));

    expect(version).toEqual(byDate);
    expect(await textOf(await client.resume(askedRest(origin.url('/f'), { version })))).toBe(' world');
    expect(origin.requests[1]?.headers['if-range']).toBe(MODIFIED);
  });

  it('H49: needs no HEAD, which many sources refuse', async ({ origin, source }) => {
    const file = ranged('hello world', '"v1"');
    origin.on('/f', (request) => (request.method === 'HEAD' ? { status: 405 } : file(request)));
    const client = source.client();

    await source.read('/f', { client });
    await textOf(await client.resume(askedRest(origin.url('/f'))));

    expect(origin.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });
});

conformance('a body of the rest', EVERY_BACKEND, (it) => {
  it.for([
    ['chunked', { framing: 'chunked' }],
    ['up to the end of the connection', { framing: 'eof' }],
  ] as const)('H37: %s is counted and complete', async ([, script], { origin, source }) => {
    origin.on('/f', part('bytes 5-10/11', ' world', script));

    expect(await textOf(await source.client().resume(askedRest(origin.url('/f'))))).toBe(' world');
  });

  it.for([
    ['chunked', { framing: 'chunked' }],
    ['up to the end of the connection', { framing: 'eof' }],
  ] as const)('H01: %s, too short, is ConnectionLost', async ([, script], { origin, source }) => {
    origin.on('/f', part('bytes 5-10/11', ' wor', script));

    const rest = await readBody(withRest(await source.client().resume(askedRest(origin.url('/f')))).body);

    expect([String(rest.bytes), rest.error?.name]).toEqual([' wor', 'ConnectionLost']);
  });

  it.for([
    ['chunked', { framing: 'chunked' }],
    ['up to the end of the connection', { framing: 'eof' }],
  ] as const)('H10: %s, too long, is a ProtocolError', async ([, script], { origin, source }) => {
    origin.on('/f', part('bytes 5-10/11', ' worldly', script));
    const client = source.client();

    const rest = await readBody(withRest(await client.resume(askedRest(origin.url('/f')))).body);

    expect(rest.error?.name).toBe('ProtocolError');
  });

  it.for(['fin', 'rst'] as const)('H01, H02: cut by %s is ConnectionLost', async (by, { origin, source }) => {
    origin.on('/f', ranged('hello world', '"v1"', { cut: { afterBytes: 3, by } }));

    const rest = await readBody(withRest(await source.client().resume(askedRest(origin.url('/f')))).body);

    expect(rest.error?.name).toBe('ConnectionLost');
    expect(' wo'.startsWith(String(rest.bytes))).toBe(true);
  });

  it.for([
    ['H27', 'HeadersTimeout', { headersTimeoutMs: 300 }, { delayMs: Number.POSITIVE_INFINITY }],
    ['H28', 'IdleTimeout', { idleTimeoutMs: 300 }, { stall: { afterBytes: 3 } }],
    ['H29', 'TooSlow', { minBytesPerSecond: 1_000, idleTimeoutMs: 5_000 }, { drip: { bytes: 1, everyMs: 20 } }],
  ] as const)('%s: ends as %s in its own time', async ([, name, policy, script], { origin, source }) => {
    origin.on('/f', ranged({ seed: 1, bytes: 1_000 }, '"v1"', script));
    const client = source.client({ policy, throughputWindowMs: 300 });
    const version = { ...byTag, bytes: 1_000 };
    const rest = async () =>
      (await readBody(withRest(await client.resume(askedRest(origin.url('/f'), { version }))).body)).error;

    const error = name === 'HeadersTimeout' ? await failureOf(rest()) : await rest();

    expect(error).toMatchObject({ name, retryable: true });
  });

  it('is dropped with its connection by close()', async ({ origin, source }) => {
    origin.on('/f', ranged('hello world', '"v1"', { framing: 'chunked', stall: { afterBytes: 4 } }));
    const resumed = withRest(await source.client().resume(askedRest(origin.url('/f'))));
    const reading = readBody(resumed.body);

    await resumed.close();

    expect((await reading).error?.name).toBe('Interrupted');
    while (origin.connections.open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
