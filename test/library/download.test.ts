import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { download } from '../../lib/library/download.ts';
import type { ChunkPlace } from '../../lib/library/options.ts';
import type { Progress } from '../../lib/library/progress.ts';
import { type MemoryS3Options, startMemoryS3 } from '../support/memory-s3.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { type Rule, refuse } from '../support/store-faults-rules.ts';
import { errorOf, impatient, it, leftovers, local, until } from './fixture.ts';

const MiB = 1024 * 1024;
const BODY = bytesOf('download', 20 * MiB + 7);

/** With what leads there, closed with its block. */
async function startS3(options: MemoryS3Options = {}) {
  const s3 = await startMemoryS3({ buckets: ['bucket'], ...options });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const leads = { to: 's3://bucket', key: 'big', s3: { endpoint: s3.endpoint, credentials, maxAttempts: 1 } };
  return { ...s3, options: leads, [Symbol.asyncDispose]: () => s3.close() };
}

describe('download', () => {
  it('stores a file whole, and says of it what a run would report', async ({ origin, to }) => {
    origin.on('/big', { body: BODY, headers: { ETag: '"v1"' } });

    const outcome = await download(origin.url('/big?token=secret'), { ...local, to, key: 'a/big.bin', id: 'mine' });

    expect(outcome).toMatchObject({
      line: 1,
      id: 'mine',
      url: `${origin.url('/big')}?…`,
      key: 'a/big.bin',
      outcome: 'stored',
      bytes: BODY.length,
      verified: 'length',
      sourceEtag: '"v1"',
      attempts: 1,
    });
    expect(BODY.equals(await readFile(join(to, 'a/big.bin')))).toBe(true);
    expect(await leftovers(to)).toEqual([]);
    await until(() => origin.connections.open === 0);
  });

  it('goes into S3 with the endpoint and credentials that it is given', async ({ origin }) => {
    await using s3 = await startS3();
    origin.on('/big', { body: BODY, headers: { ETag: '"v1"' } });

    const outcome = await download(
      { url: origin.url('/big'), key: 'big', metadata: { owner: 'me' } },
      { ...local, ...s3.options, to: 's3://bucket/in' },
    );

    expect(outcome).toMatchObject({ outcome: 'stored', key: 'big' });
    expect(BODY.equals(s3.bytesOf('bucket', 'in/big') ?? Buffer.alloc(0))).toBe(true);
    expect(s3.objects()[0]?.metadata).toMatchObject({ owner: 'me' });
    expect(s3.uploads()).toEqual([]);
  });

  it('answers with an outcome whatever happens to the item, and leaves nothing behind', async ({ origin, to }) => {
    origin.on('/cut', { body: BODY, cut: { afterBytes: 100_000, by: 'fin' } });
    origin.on('/wrong', { body: 'x' });
    const fetch = (item: object) => download({ url: origin.url('/missing'), ...item }, { ...local, to }, impatient);

    expect(await fetch({})).toMatchObject({ outcome: 'failed', error: 'NotFound', status: 404, attempts: 1 });
    expect(await fetch({ url: origin.url('/cut') })).toMatchObject({ error: 'ConnectionLost', attempts: 5 });
    expect(await fetch({ url: origin.url('/wrong'), size: 2 })).toMatchObject({ error: 'SizeMismatch' });
    expect(await fetch({ url: 'ftp://example.com/x' })).toMatchObject({ error: 'UrlRefused', attempts: 0 });
    expect(await fetch({ key: '../x' })).toMatchObject({ error: 'KeyRefused' });
    expect(await fetch({ colour: 'red' })).toMatchObject({ error: 'ManifestInvalid' });
    expect(await leftovers(to)).toEqual([]);
    await until(() => origin.connections.open === 0);
  });

  it('aborts the upload of an item that has no more tries', async ({ origin }) => {
    let asked = 0;
    await using s3 = await startS3();
    origin.on('/cut', (request) => {
      asked += 1;
      return ranged(BODY, '"v1"', { cut: { afterBytes: asked === 1 ? 17 * MiB : 0, by: 'fin' } })(request);
    });

    const outcome = await download(origin.url('/cut'), { ...local, ...s3.options }, impatient);

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'ConnectionLost' });
    expect(s3.count('part')).toBe(2);
    expect(s3.uploads()).toEqual([]);
  });

  it('throws for misuse only, before anything is asked', async ({ origin, to }) => {
    const misuse = (options: object) => errorOf(download(origin.url('/'), { to, ...options }));

    expect(await misuse({ onprogress: () => undefined })).toMatchObject({
      name: 'BatchInvalid',
      message: expect.stringContaining('onProgress'),
    });
    expect((await misuse({ to: 'gs://bucket' })).name).toBe('BatchInvalid');
    expect((await misuse({ allowNetworks: ['everywhere'] })).name).toBe('BatchInvalid');
    expect((await misuse({ memoryBytes: 1 })).name).toBe('BatchInvalid');
    expect(origin.requests).toEqual([]);
  });

  it('looks at what stands there as `overwrite` says', async ({ origin, to }) => {
    origin.on('/f', ranged('one', '"v1"'));
    const fetch = (overwrite: 'never' | 'if-changed' | 'always') =>
      download(origin.url('/f'), { ...local, to, key: 'f', overwrite });

    expect(await fetch('if-changed')).toMatchObject({ outcome: 'stored' });
    expect(await fetch('if-changed')).toMatchObject({ outcome: 'skipped', reason: 'unchanged' });
    expect(await fetch('never')).toMatchObject({ outcome: 'skipped', reason: 'exists' });
    expect(await fetch('always')).toMatchObject({ outcome: 'stored' });
  });

  it('rejects with Interrupted when it is aborted, with every socket closed and no upload open', async ({ origin }) => {
    await using s3 = await startS3();
    origin.on('/big', { body: BODY, headers: { ETag: '"v1"' }, stall: { afterBytes: 17 * MiB } });
    const stop = new AbortController();

    const aborted = errorOf(download(origin.url('/big'), { ...local, ...s3.options, signal: stop.signal }));
    await until(() => s3.count('part') > 0);
    stop.abort(new Error('my reason'));

    expect(await aborted).toMatchObject({ name: 'Interrupted', cause: { message: 'my reason' } });
    expect(s3.uploads()).toEqual([]);
    expect(s3.objects()).toEqual([]);
    await until(() => origin.connections.open === 0);
  });

  it('fails as ItemTimeout when the item takes too long', async ({ origin, to }) => {
    origin.on('/rest', { body: BODY, stall: { afterBytes: 1_000 } });

    const outcome = await download({ url: origin.url('/rest'), timeoutMs: 50 }, { ...local, to });

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'ItemTimeout' });
    await until(() => origin.connections.open === 0);
  });
});

describe('the listeners of a download', () => {
  it('onProgress: sees it begin, break off, go on and end', async ({ origin, to }) => {
    let asked = 0;
    const cut = { afterBytes: 9 * MiB, by: 'fin' } as const;
    origin.on(
      '/big',
      ranged(BODY, '"v1"', () => {
        asked += 1;
        return asked === 1 ? { cut } : {};
      }),
    );
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => void seen.push(progress);

    const outcome = await download(
      origin.url('/big'),
      { ...local, to, key: 'big', onProgress, progressIntervalMs: 0 },
      impatient,
    );

    const states = seen.map(({ state }) => state).filter((state, at, all) => state !== all[at - 1]);
    expect(states).toEqual(['waiting', 'reading', 'retrying', 'reading', 'ended']);
    expect(seen.find(({ state }) => state === 'retrying')).toMatchObject({ error: 'ConnectionLost', retries: 1 });
    expect(seen.at(-1)).toMatchObject({ bytes: BODY.length, totalBytes: BODY.length, etaSeconds: 0, outcome });
    const counted = seen.map(({ bytes }) => bytes);
    expect(counted).toEqual(counted.toSorted((a, b) => a - b));
  });

  it('onChunk: gets each byte once and in order, also where parts are fetched again', async ({ origin }) => {
    let asked = 0;
    origin.on(
      '/big',
      ranged(BODY, '"v1"', () => {
        asked += 1;
        return asked < 4 ? { cut: { afterBytes: 3 * MiB + asked, by: 'fin' } } : {};
      }),
    );
    // The first part comes to nothing while the second one is on its way: what follows begins at byte 0 again.
    const lost: Rule = { on: 'part', part: 1, nth: 1, do: { delayMs: 100, ...refuse('InternalError') } };
    await using s3 = await startS3({ faults: [lost] });
    const seen: { chunk: Uint8Array; place: ChunkPlace }[] = [];
    const onChunk = async (chunk: Uint8Array, place: ChunkPlace) => {
      seen.push({ chunk: Uint8Array.from(chunk), place });
      // What is stored is not changed by it.
      chunk.fill(0);
    };

    const outcome = await download(origin.url('/big'), { ...local, ...s3.options, key: 'big', onChunk }, impatient);

    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1, resumes: 3 });
    expect(
      origin.requests.filter(({ headers }) => headers.range === undefined || /^bytes=0-/.test(headers.range)),
    ).toHaveLength(2);
    let offset = 0;
    for (const { chunk, place } of seen) {
      expect(place.offset).toBe(offset);
      offset += chunk.length;
    }
    expect(Buffer.concat(seen.map(({ chunk }) => chunk)).equals(BODY)).toBe(true);
    expect(BODY.equals(s3.bytesOf('bucket', 'big') ?? Buffer.alloc(0))).toBe(true);
  });

  it('onChunk: begins again at offset 0 with another version', async ({ origin, to }) => {
    let asked = 0;
    const fresh = bytesOf('fresh', 9 * MiB);
    origin.on('/big', (request) => {
      asked += 1;
      const cut = { cut: { afterBytes: 5 * MiB, by: 'fin' } as const };
      return asked === 1 ? ranged(BODY, '"v1"', cut)(request) : ranged(fresh, '"v2"')(request);
    });
    let chunks: Uint8Array[] = [];
    let begun = 0;
    const onChunk = (chunk: Uint8Array, { offset }: ChunkPlace) => {
      if (offset === 0) begun += 1;
      if (offset === 0) chunks = [];
      chunks.push(chunk);
    };

    const outcome = await download(origin.url('/big'), { ...local, to, key: 'big', onChunk }, impatient);

    expect(outcome).toMatchObject({ outcome: 'stored', sourceEtag: '"v2"' });
    expect(begun).toBe(2);
    expect(Buffer.concat(chunks).equals(fresh)).toBe(true);
  });

  it('fail the item, with their stack, when they throw before it has ended', async ({ origin, to }) => {
    origin.on('/big', { body: BODY, headers: { ETag: '"v1"' } });
    const fails = () => {
      throw new Error('my own mistake');
    };
    const fetch = (hooks: object) => download(origin.url('/big'), { ...local, to, key: 'big', ...hooks });
    const failed = {
      outcome: 'failed',
      error: 'TransformFailed',
      message: expect.stringMatching(/my own mistake.*download\.test/s),
    };

    expect(await fetch({ onChunk: fails })).toMatchObject(failed);
    expect(await fetch({ onChunk: async () => fails() })).toMatchObject(failed);
    expect(await fetch({ onProgress: fails })).toMatchObject(failed);
    const atEnd = ({ state }: Progress) => state === 'ended' && fails();
    expect((await errorOf(fetch({ onProgress: atEnd }))).name).toBe('TransformFailed');
    expect(await leftovers(to)).toEqual([]);
  });
});
