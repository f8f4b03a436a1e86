import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { stream } from '../../lib/library/stream.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { collect, errorOf, impatient, it, local, readUntilError, until } from './fixture.ts';

const BODY = bytesOf('stream', 300_000);

describe('stream', () => {
  it('resolves at the head, with what the source says of itself', async ({ origin }) => {
    const headers = { ETag: '"v1"', 'Content-Type': 'text/csv', 'Last-Modified': 'Tue, 24 Nov 2026 08:00:00 GMT' };
    origin.on('/old', { status: 302, headers: { Location: '/new?token=secret' } });
    origin.on('/new', { body: BODY, headers, stall: { afterBytes: 0 } });

    await using source = await stream(origin.url('/old'), local);

    expect(source).toMatchObject({
      url: `${origin.url('/new')}?…`,
      status: 200,
      contentType: 'text/csv',
      bytes: BODY.length,
      etag: '"v1"',
      lastModified: 'Tue, 24 Nov 2026 08:00:00 GMT',
      verified: 'length',
    });
  });

  it('H01, H02: hands out each byte once and in order through as many connections as it takes', async ({ origin }) => {
    let asked = 0;
    origin.on(
      '/cut',
      ranged(BODY, '"v1"', () => {
        asked += 1;
        return asked < 8 ? { cut: { afterBytes: asked * 5_000, by: asked % 2 === 0 ? 'fin' : 'rst' } } : {};
      }),
    );
    const options = { ...local, attempts: 100, chunkBytes: 7_000 };

    const pieces = await collect(await stream(origin.url('/cut'), options, impatient));

    expect(Buffer.concat(pieces).equals(BODY)).toBe(true);
    expect(asked).toBe(8);
    expect(new Set(pieces.slice(0, -1).map(({ length }) => length))).toEqual(new Set([7_000]));
    await until(() => origin.connections.open === 0);
  });

  it('H43: fails as SourceChanged when another version stands there behind bytes that were handed out', async ({
    origin,
  }) => {
    let asked = 0;
    origin.on('/changes', (request) => {
      asked += 1;
      if (asked === 1) return ranged(BODY, '"v1"', { cut: { afterBytes: 100_000, by: 'fin' } })(request);
      return ranged(bytesOf('other', 300_000), '"v2"')(request);
    });

    const { bytes, error } = await readUntilError(await stream(origin.url('/changes'), local, impatient));

    expect(error.name).toBe('SourceChanged');
    expect(bytes.equals(BODY.subarray(0, bytes.length))).toBe(true);
    await until(() => origin.connections.open === 0);
  });

  it('H43: begins another version anew, unseen, as long as nothing was handed out', async ({ origin }) => {
    let asked = 0;
    const fresh = bytesOf('other', 200_000);
    origin.on('/changes', (request) => {
      asked += 1;
      if (asked === 1) return ranged(BODY, '"v1"', { cut: { afterBytes: 9_000, by: 'fin' } })(request);
      return ranged(fresh, '"v2"')(request);
    });
    const source = await stream(origin.url('/changes'), { ...local, chunkBytes: 10_000 }, impatient);

    const read = Buffer.concat(await collect(source));

    expect(read.equals(fresh)).toBe(true);
    expect(source).toMatchObject({ etag: '"v2"', bytes: 200_000 });
  });

  it('H43: gives a source up that is another one each time', async ({ origin }) => {
    let asked = 0;
    origin.on('/restless', (request) => {
      asked += 1;
      return ranged(BODY, `"v${asked}"`, { cut: { afterBytes: 9_000, by: 'fin' } })(request);
    });

    const source = await stream(origin.url('/restless'), { ...local, chunkBytes: 10_000 }, impatient);

    expect((await errorOf(collect(source))).name).toBe('SourceUnstable');
    await until(() => origin.connections.open === 0);
  });

  it('H44: joins nothing without a validator, and begins anew only before the first piece', async ({ origin }) => {
    const cut = { afterBytes: 100_000, by: 'fin' } as const;
    origin.on('/late', [{ body: BODY, cut }, { body: BODY }]);
    origin.on('/early', [{ body: BODY, cut }, { body: BODY }]);

    const late = await readUntilError(await stream(origin.url('/late'), local, impatient));
    const early = await collect(await stream(origin.url('/early'), { ...local, chunkBytes: 200_000 }, impatient));

    expect(late.error.name).toBe('ConnectionLost');
    expect(Buffer.concat(early).equals(BODY)).toBe(true);
  });

  it('H38: says that it cannot go on where the source serves no ranges', async ({ origin }) => {
    const headers = { ETag: '"v1"' };
    origin.on('/whole', [
      { body: BODY, headers, cut: { afterBytes: 100_000, by: 'fin' } },
      { body: BODY, headers },
    ]);

    const { error } = await readUntilError(await stream(origin.url('/whole'), local, impatient));

    expect(error).toMatchObject({ name: 'ConnectionLost', message: expect.stringContaining('no ranges') });
  });

  it('H68: ends with an error instead of an end when the bytes are not what was declared', async ({ origin }) => {
    origin.on('/digest', { body: BODY });
    origin.on('/announced', { body: BODY, headers: { 'Content-MD5': createHash('md5').digest('base64') } });
    origin.on('/size', { body: BODY, framing: 'chunked' });
    const sha256 = createHash('sha256').update(BODY).digest('hex');
    const nameOf = async (path: string, options: object) =>
      (await readUntilError(await stream(origin.url(path), { ...local, ...options }))).error.name;

    expect(await nameOf('/digest', { sha256: '0'.repeat(64) })).toBe('DigestMismatch');
    expect(await nameOf('/announced', {})).toBe('DigestMismatch');
    expect(await nameOf('/size', { size: BODY.length - 1 })).toBe('SizeMismatch');
    const good = await stream(origin.url('/digest'), { ...local, sha256 });
    expect(good.verified).toBe('digest');
    expect(Buffer.concat(await collect(good)).equals(BODY)).toBe(true);
  });

  it('refuses at the head what cannot be the file', async ({ origin }) => {
    origin.on('/page', { body: '<html>', headers: { 'Content-Type': 'text/html' } });
    const open = (path: string, options: object) => errorOf(stream(origin.url(path), { ...local, ...options }));

    expect((await open('/page', { expect: { contentType: 'image/' } })).name).toBe('UnexpectedContent');
    expect((await open('/page', { maxBytes: 5 })).name).toBe('TooLarge');
    expect((await open('/missing', {})).name).toBe('NotFound');
    expect(await errorOf(stream(origin.url('/page')))).toMatchObject({ name: 'AddressRefused' });
    await until(() => origin.connections.open === 0);
  });

  it('names options that it does not know, or not yet, before anything is asked', async ({ origin }) => {
    const unknown = errorOf(stream(origin.url('/'), { ...local, chunkbytes: 1 } as object));
    const wrong = errorOf(stream(origin.url('/'), { ...local, attempts: 0 }));
    const notYet = errorOf(stream({ url: origin.url('/'), key: '../up' }, local));

    expect(await unknown).toMatchObject({ name: 'BatchInvalid', message: expect.stringContaining('chunkBytes') });
    expect(await wrong).toMatchObject({ name: 'BatchInvalid', message: expect.stringContaining('attempts') });
    expect((await notYet).name).toBe('KeyRefused');
    expect(origin.requests).toEqual([]);
  });

  it('is what comes out of a transform, proven by what went in', async ({ origin }) => {
    const zipped = gzipSync('name,age\nAnn,18\nBob,17\n');
    const md5 = createHash('md5').update(zipped).digest('hex');
    origin.on('/rows.gz', { body: zipped });
    const transform = ['gunzip', { name: 'csv', where: 'age >= 18' }] as const;

    const good = await stream({ url: origin.url('/rows.gz'), md5, transform }, local);
    const bad = await stream({ url: origin.url('/rows.gz'), md5: '0'.repeat(32), transform }, local);
    const none = await stream(origin.url('/rows.gz'), { ...local, transform: ['unzstd'] });

    expect(Buffer.concat(await collect(good)).toString()).toBe('name,age\nAnn,18\n');
    expect((await errorOf(collect(bad))).name).toBe('DigestMismatch');
    expect((await errorOf(collect(none))).name).toBe('TransformFailed');
  });
});
