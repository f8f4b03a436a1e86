import { expect } from 'vitest';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { conformance, EVERY_BACKEND, readAll, readBody } from './fixture.ts';
import { askedRest, byTag, rangesOf, textOf, unknownLength, withRest, withWhole } from './resume-fixture.ts';

conformance('the end of a source without a length', EVERY_BACKEND, (it) => {
  it('H48: a 416 with our length is the end, once the last byte was of our version', async ({ origin, source }) => {
    origin.on('/f', ranged('hello', '"v1"'));

    const resumed = await source.client().resume(askedRest(origin.url('/f'), { version: unknownLength }));

    expect(resumed).toEqual({ kind: 'complete' });
    expect(rangesOf(origin)).toEqual([
      ['bytes=5-', '"v1"'],
      ['bytes=4-4', '"v1"'],
    ]);
  });

  it('H48: a new version that ends just there is no end of ours', async ({ origin, source }) => {
    const file = ranged('HELLO', '"v2"');
    origin.on('/honest', file);
    origin.on('/deaf', (request) => file({ ...request, headers: { range: request.headers.range ?? '' } }));
    const client = source.client();
    const resume = (path: string) => client.resume(askedRest(origin.url(path), { version: unknownLength }));

    expect(await resume('/honest')).toMatchObject({ kind: 'whole', why: 'changed' });
    expect(await resume('/deaf')).toMatchObject({ kind: 'changed' });
  });
});

conformance('a source that does not understand If-Range', EVERY_BACKEND, (it) => {
  /** VK's network, and farms whose nodes make their own tags: If-Range brings the whole of the same version. */
  const stubborn = (body: string, etag: string) => {
    const file = ranged(body, etag);
    return (request: Parameters<typeof file>[0]) =>
      request.headers['if-range'] === undefined ? file(request) : { headers: { ETag: etag }, body };
  };

  it('H46: is asked without it, and the ETag of the 206 decides', async ({ origin, source }) => {
    origin.on('/f', stubborn('hello world', '"v1"'));

    expect(await textOf(await source.client().resume(askedRest(origin.url('/f'))))).toBe(' world');
    expect(rangesOf(origin)).toEqual([
      ['bytes=5-', '"v1"'],
      ['bytes=5-', undefined],
    ]);
  });

  it('H46: is asked without it at once from then on, by this client', async ({ origin, source }) => {
    origin.on('/f', stubborn('hello world', '"v1"'));
    origin.on('/g', stubborn('HELLO WORLD', '"v2"'));
    const client = source.client();
    await textOf(await client.resume(askedRest(origin.url('/f'))));

    const later = await client.resume(askedRest(origin.url('/f'), { from: 8 }));
    const changed = await client.resume(askedRest(origin.url('/g')));
    const elsewhere = await source.client().resume(askedRest(origin.url('/f')));

    expect(await textOf(later)).toBe('rld');
    expect(changed).toMatchObject({ kind: 'changed' });
    expect(await textOf(elsewhere)).toBe(' world');
    expect(rangesOf(origin).map(([, ifRange]) => ifRange)).toEqual([
      '"v1"',
      undefined,
      undefined,
      undefined,
      '"v1"',
      undefined,
    ]);
  });

  it('H46: a change between the two questions is still seen', async ({ origin, source }) => {
    origin.on('/f', (request) =>
      request.headers['if-range'] === undefined
        ? ranged('HELLO WORLD', '"v2"')(request)
        : { headers: { ETag: '"v1"' }, body: 'hello world' },
    );

    expect(await source.client().resume(askedRest(origin.url('/f')))).toMatchObject({ kind: 'changed' });
  });

  it('H46: is not remembered where the source takes no ranges at all', async ({ origin, source }) => {
    origin.on('/none', { headers: { ETag: '"v1"' }, body: 'hello world' });
    origin.on('/f', ranged('hello world', '"v1"'));
    const client = source.client();
    await readAll(withWhole(await client.resume(askedRest(origin.url('/none')))));

    await textOf(await client.resume(askedRest(origin.url('/f'))));

    expect(origin.requests.at(-1)?.headers['if-range']).toBe('"v1"');
  });

  it('H46: a large whole costs its connection, not its bytes', async ({ origin, source }) => {
    const file = ranged({ seed: 1, bytes: 500_000_000 }, '"v1"');
    origin.on('/f', (request) =>
      file({ ...request, headers: request.headers['if-range'] === undefined ? request.headers : {} }),
    );
    const version = { ...byTag, bytes: 500_000_000 };

    const resumed = await source.client().resume(askedRest(origin.url('/f'), { version, from: 10, to: 19 }));

    expect((await readBody(withRest(resumed).body)).bytes).toEqual(bytesOf(1, 10, 10));
    expect(origin.connections).toMatchObject({ total: 2 });
  });
});

conformance('a redirected source', EVERY_BACKEND, (it) => {
  it('H60: is resumed from the original URL, whose signed target may have expired', async ({ origin, source }) => {
    let signature = 1;
    origin.on('/f', () => ({ status: 302, headers: { Location: `/signed?sig=${signature}` } }));
    const file = ranged('hello world', '"v1"', { cut: { afterBytes: 5, by: 'fin' } });
    const whole = ranged('hello world', '"v1"');
    origin.on('/signed', (request) => {
      if (request.path !== `/signed?sig=${signature}`) return { status: 403, body: '<Code>AccessDenied</Code>' };
      return signature === 1 ? file(request) : whole(request);
    });
    const client = source.client();
    const first = await source.read('/f', { client });
    signature = 2;

    const resumed = await client.resume(askedRest(origin.url('/f'), { from: first.bytes.length }));

    expect(withRest(resumed).finalUrl.search).toBe('?sig=2');
    expect(String(first.bytes) + (await textOf(resumed))).toBe('hello world');
    expect(origin.requests.map(({ path }) => path)).toEqual(['/f', '/signed?sig=1', '/f', '/signed?sig=2']);
  });

  it('H60: another file behind the new target is seen by its validator', async ({ origin, source }) => {
    origin.on('/f', { status: 302, headers: { Location: '/other' } });
    origin.on('/other', ranged('HELLO WORLD', '"v2"'));

    expect(await source.client().resume(askedRest(origin.url('/f')))).toMatchObject({ kind: 'whole', why: 'changed' });
  });

  it('H46, H56: Range goes along to another host, the headers of the item do not', async ({
    origin,
    source,
    startOther,
  }) => {
    const other = await startOther({ '/f': ranged('hello world', '"v1"') });
    origin.on('/f', { status: 302, headers: { Location: other.url('/f') } });
    const headers = { Authorization: 'Bearer secret' };

    expect(await textOf(await source.client().resume(askedRest(origin.url('/f'), { headers })))).toBe(' world');

    expect(other.requests[0]?.headers).toMatchObject({ range: 'bytes=5-', 'if-range': '"v1"' });
    expect(other.requests[0]?.raw).not.toContain('secret');
  });
});
