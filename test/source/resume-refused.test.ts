import { expect } from 'vitest';
import { ranged } from '../support/origin-ranges.ts';
import { conformance, EVERY_BACKEND, failureOf, readAll } from './fixture.ts';
import { askedRest, byDate, byTag, part, textOf, withWhole } from './resume-fixture.ts';

conformance('an answer that is not the rest', EVERY_BACKEND, (it) => {
  it('H38: a 200 of a source without ranges is the whole, from its first byte', async ({ origin, source }) => {
    origin.on('/f', { headers: { ETag: '"v1"' }, body: 'hello world' });

    const resumed = await source.client().resume(askedRest(origin.url('/f')));

    expect(resumed).toMatchObject({ kind: 'whole', why: 'no-ranges' });
    expect(withWhole(resumed)).toMatchObject({ framing: { bytes: 11 }, version: byTag });
    expect(String((await readAll(withWhole(resumed))).bytes)).toBe('hello world');
  });

  it('H38: so is the 200 of one that says it takes none, without a second question', async ({ origin, source }) => {
    origin.on('/f', { headers: { ETag: '"v1"', 'Accept-Ranges': 'none' }, body: 'hello world' });

    const resumed = await source.client().resume(askedRest(origin.url('/f')));

    expect(resumed).toMatchObject({ kind: 'whole', why: 'no-ranges' });
    expect(withWhole(resumed).version).toBeUndefined();
    expect(origin.requests.length).toBe(1);
  });

  it('H38, H43: a 200 of a new version is the whole of that one', async ({ origin, source }) => {
    origin.on('/f', ranged('HELLO WORLD', '"v2"'));

    const resumed = await source.client().resume(askedRest(origin.url('/f')));

    expect(resumed).toMatchObject({ kind: 'whole', why: 'changed' });
    expect(withWhole(resumed).version?.etag).toBe('"v2"');
    expect(String((await readAll(withWhole(resumed))).bytes)).toBe('HELLO WORLD');
    expect(origin.requests.length).toBe(1);
  });

  it.for([
    ['H39', 'a 206 that begins before', part('bytes 4-10/11', 'o world')],
    ['H39', 'a 206 that begins behind', part('bytes 6-10/11', 'world')],
    ['H39', 'a 206 of the whole', part('bytes 0-10/11', 'hello world')],
    ['H41', 'a 206 without Content-Range', { status: 206, headers: { ETag: '"v1"' }, body: ' world' }],
    ['H41', 'a 206 that is malformed', part('bytes 5-10', ' world')],
    ['H41', 'a 206 without a total', part('bytes 5-10/*', ' world')],
    [
      'H41',
      'a 206 with two Content-Ranges',
      part('x', ' world', { headers: { 'Content-Range': ['bytes 5-10/11', 'bytes 5-10/11'] } }),
    ],
    ['H41', 'a 206 of another total', part('bytes 5-10/12', ' world')],
    ['H41', 'a 206 whose body has another length', part('bytes 5-10/11', ' worldly')],
    ['H43', 'a 206 of another ETag', part('bytes 5-10/11', ' WORLD', { headers: { ETag: '"v2"' } })],
    ['H44', 'a 206 of the same ETag, now weak', part('bytes 5-10/11', ' world', { headers: { ETag: 'W/"v1"' } })],
    ['H45', 'a 206 without ETag', { status: 206, headers: { 'Content-Range': 'bytes 5-10/11' }, body: ' world' }],
    ['H50', 'a 206 in another coding', part('bytes 5-10/11', ' world', { headers: { 'Content-Encoding': 'gzip' } })],
    ['H47', 'a 412', { status: 412, body: 'no longer' }],
    ['H48', 'a 416 of another length', { status: 416, headers: { 'Content-Range': 'bytes */4' } }],
    ['H48', 'a 416 of the whole length', { status: 416, headers: { 'Content-Range': 'bytes */11' } }],
    ['H48', 'a 416 without length', { status: 416 }],
  ] as const)('%s: %s is a change, and its bytes go nowhere', async ([, , script], { origin, source }) => {
    origin.on('/f', script);
    origin.on('/next', { body: 'next' });
    const client = source.client();

    expect(await client.resume(askedRest(origin.url('/f')))).toMatchObject({ kind: 'changed' });

    expect(origin.requests.length).toBe(1);
    expect(String((await source.read('/next', { client })).bytes)).toBe('next');
  });

  it('H42: multipart/byteranges for a single range is a change', async ({ origin, source }) => {
    const body = '--x\r\nContent-Range: bytes 5-10/11\r\n\r\n world\r\n--x--\r\n';
    const headers = { ETag: '"v1"', 'Content-Type': 'multipart/byteranges; boundary=x' };
    origin.on('/f', { status: 206, headers, body });

    expect(await source.client().resume(askedRest(origin.url('/f')))).toMatchObject({ kind: 'changed' });
  });

  it('H45: a new version behind an If-Range that is ignored is seen in the 206', async ({ origin, source }) => {
    const file = ranged('HELLO WORLD', '"v2"');
    const byDay = ranged('HELLO WORLD', undefined, { headers: { 'Last-Modified': 'Wed, 04 Nov 2026 10:00:00 GMT' } });
    const deaf =
      (answer: typeof file): typeof file =>
      (request) =>
        answer({ ...request, headers: { range: request.headers.range ?? '' } });
    origin.on('/tag', deaf(file));
    origin.on('/date', deaf(byDay));
    const client = source.client();

    expect(await client.resume(askedRest(origin.url('/tag')))).toMatchObject({ kind: 'changed' });
    expect(await client.resume(askedRest(origin.url('/date'), { version: byDate }))).toMatchObject({ kind: 'changed' });
  });

  it('H50: the coding is pinned with the version: the same ETag in another coding is another file', async ({
    origin,
    source,
  }) => {
    const coded = { ...byTag, contentEncoding: 'gzip' };
    origin.on('/coded', ranged('hello world', '"v1"', { headers: { 'Content-Encoding': 'gzip' } }));
    origin.on('/bare', ranged('hello world', '"v1"'));
    const client = source.client();

    const same = await client.resume(askedRest(origin.url('/coded'), { version: coded }));
    const other = await client.resume(askedRest(origin.url('/bare'), { version: coded }));

    expect(await textOf(same)).toBe(' world');
    expect(other).toMatchObject({ kind: 'changed' });
  });

  it('H51: segments from nodes with other content are not segments of this file', async ({ origin, source }) => {
    const nodes = [ranged('hello world', '"v1"'), ranged('HELLO WORLD', '"v2"'), ranged('hello world!', '"v1"')];
    origin.on('/f', (request) => {
      const node = nodes[origin.requests.length - 1] ?? ranged('', undefined);
      return node({ ...request, headers: { range: request.headers.range ?? '' } });
    });
    const client = source.client();
    const segment = (from: number, to: number) => client.resume(askedRest(origin.url('/f'), { from, to }));

    expect(await textOf(await segment(1, 4))).toBe('ello');
    expect(await segment(5, 7)).toMatchObject({ kind: 'changed' });
    expect(await segment(8, 10)).toMatchObject({ kind: 'changed' });
  });

  it('H52: a version without validator is never asked for', async ({ origin, source }) => {
    origin.on('/f', ranged('hello world', undefined, { headers: { ETag: 'W/"v1"' } }));
    const client = source.client();
    const { opened } = await source.read('/f', { client });

    const version = { bytes: 11, contentEncoding: undefined };
    const resumed = await client.resume(askedRest(origin.url('/f'), { version }));

    expect(opened.version).toBeUndefined();
    expect(resumed).toMatchObject({ kind: 'changed' });
    expect(origin.requests.length).toBe(1);
  });

  it.for([
    ['H62', 429, 'Throttled'],
    ['H64', 502, 'SourceUnavailable'],
    ['H65', 403, 'AccessDenied'],
    ['H65', 404, 'NotFound'],
  ] as const)('%s: %i throws as in open', async ([, status, name], { origin, source }) => {
    origin.on('/f', { status, headers: { 'Retry-After': '7' } });

    const error = await failureOf(source.client().resume(askedRest(origin.url('/f?sig=secret'))));

    expect(error).toMatchObject({ name, details: { status, retryAfterMs: 7_000 } });
    expect(error.message).not.toContain('secret');
  });
});
