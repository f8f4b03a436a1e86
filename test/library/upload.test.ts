import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect } from 'vitest';
import { stream } from '../../lib/library/stream.ts';
import { upload } from '../../lib/library/upload.ts';
import { startMemoryS3 } from '../support/memory-s3.ts';
import { bytesOf, piecesOf } from '../support/origin-bytes.ts';
import { errorOf, it, leftovers, local } from './fixture.ts';

const MiB = 1024 * 1024;

async function* texts(...chunks: readonly (string | Uint8Array)[]) {
  yield* chunks;
}

describe('upload', () => {
  it('makes an object of what a generator makes, texts and bytes, empty ones too', async ({ to }) => {
    const result = await upload(texts('grün', '', new Uint8Array(), Buffer.from('!')), { to, key: 'a/b' });
    const empty = await upload([], { to, key: 'empty' });

    expect(result).toMatchObject({
      outcome: 'stored',
      key: 'a/b',
      uri: join(to, 'a/b'),
      bytes: 6,
      crc32: crc32('grün!').toString(16).padStart(8, '0'),
    });
    expect(await readFile(join(to, 'a/b'), 'utf8')).toBe('grün!');
    expect(empty).toMatchObject({ outcome: 'stored', bytes: 0, crc32: '00000000' });
  });

  it('sends many parts in bounded memory, to S3, with type and metadata', async () => {
    const s3 = await startMemoryS3({ buckets: ['bucket'] });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const options = { to: 's3://bucket/out', s3: { endpoint: s3.endpoint, credentials }, key: 'big' };

    const result = await upload(piecesOf('upload', 50 * MiB + 1), {
      ...options,
      contentType: 'text/csv',
      metadata: { owner: 'me' },
      memoryBytes: 16 * MiB,
    });
    const small = await upload(texts('x'), { ...options, key: 'small' });

    expect(result).toMatchObject({ outcome: 'stored', uri: 's3://bucket/out/big', bytes: 50 * MiB + 1 });
    expect(bytesOf('upload', 50 * MiB + 1).equals(s3.bytesOf('bucket', 'out/big') ?? Buffer.alloc(0))).toBe(true);
    expect(s3.objects()[0]).toMatchObject({ contentType: 'text/csv', metadata: { owner: 'me' } });
    expect(small.outcome).toBe('stored');
    expect(s3.count('create')).toBe(1);
    await s3.close();
  });

  it('takes a stream of `stream`, whose failure leaves nothing behind', async ({ origin, to }) => {
    const body = bytesOf('through', 20 * MiB);
    origin.on('/f', { body });

    const good = await upload((await stream(origin.url('/f'), local)).body, { to, key: 'good' });
    const bad = errorOf(upload(await stream(origin.url('/f'), { ...local, md5: '0'.repeat(32) }), { to, key: 'bad' }));

    expect(good).toMatchObject({ outcome: 'stored', bytes: body.length });
    expect((await bad).name).toBe('DigestMismatch');
    await expect(readFile(join(to, 'bad'))).rejects.toThrow('ENOENT');
    expect(await leftovers(to)).toEqual([]);
  });

  it('comes out with what the generator throws, and nothing of it stays', async ({ to }) => {
    async function* broken() {
      yield* piecesOf('broken', 20 * MiB);
      throw new RangeError('no more');
    }

    await expect(upload(broken(), { to, key: 'x' })).rejects.toThrow(RangeError);
    await expect(upload(texts('a', 7 as never), { to, key: 'x' })).rejects.toMatchObject({ name: 'BatchInvalid' });
    await expect(readFile(join(to, 'x'))).rejects.toThrow('ENOENT');
    expect(await leftovers(to)).toEqual([]);
  });

  it('leaves what stands there as `overwrite` says, and reads nothing for it in vain', async ({ to }) => {
    let asked = 0;
    async function* counted() {
      asked += 1;
      yield 'same';
    }
    const write = (overwrite?: 'never' | 'if-changed' | 'always') => upload(counted(), { to, key: 'k', overwrite });
    const first = await write();

    expect(await write()).toMatchObject({ outcome: 'skipped', reason: 'unchanged', objectEtag: first.objectEtag });
    expect(await write('always')).toMatchObject({ outcome: 'stored' });
    expect(asked).toBe(3);
    expect(await write('never')).toMatchObject({ outcome: 'skipped', reason: 'exists' });
    expect(asked).toBe(3);
    expect(await upload(texts('other'), { to, key: 'k' })).toMatchObject({ outcome: 'stored', bytes: 5 });
  });

  it('S18: refuses to replace what somebody else wrote meanwhile', async ({ to }) => {
    async function* slow() {
      yield 'mine';
      await upload(texts('theirs'), { to, key: 'k' });
    }

    expect((await errorOf(upload(slow(), { to, key: 'k' }))).name).toBe('CommitConflict');
    expect(await readFile(join(to, 'k'), 'utf8')).toBe('theirs');
  });

  it('ends at once when it is aborted, whatever the generator waits for', async ({ to }) => {
    const stop = new AbortController();
    async function* waiting() {
      yield* piecesOf('waiting', 20 * MiB);
      stop.abort();
      await new Promise(() => undefined);
    }

    expect((await errorOf(upload(waiting(), { to, key: 'k', signal: stop.signal }))).name).toBe('Interrupted');
    expect((await errorOf(upload(texts('x'), { to, key: 'k', signal: stop.signal }))).name).toBe('Interrupted');
    expect(await leftovers(to)).toEqual([]);
  });

  it('refuses keys that lead elsewhere, and options that it does not know', async ({ to }) => {
    expect((await errorOf(upload([], { to, key: '../x' }))).name).toBe('KeyRefused');
    expect((await errorOf(upload([], { to, key: '.skyhaul/x' }))).name).toBe('KeyRefused');
    expect((await errorOf(upload([], { to, key: 'x', contenttype: 'y' } as never))).message).toContain('contentType');
  });
});
