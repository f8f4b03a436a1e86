import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { crc32 } from '../../lib/store/crc32.ts';
import { TO } from '../support/memory-context.ts';
import { type MemoryS3, startMemoryS3 } from '../support/memory-s3.ts';
import { it } from '../support/run-context.ts';
import { readAll } from '../support/store-bytes.ts';
import type { Answer } from '../support/store-faults-call.ts';
import { refuse } from '../support/store-faults-rules.ts';
import { asked, LARGE, list, onS3, read, toCopies } from './copies-fixture.ts';

let s3: MemoryS3;
beforeEach(async () => {
  s3 = await startMemoryS3({ buckets: ['bucket'] });
});
afterEach(() => s3.close());

describe('what stands there when a line is to be copied', () => {
  it('moves no byte and writes nothing when the list is run again', async ({ rig }) => {
    rig.origin.on('/f', ({ headers }) =>
      headers['if-none-match'] === '"v1"'
        ? { status: 304, contentLength: 'none' }
        : { body: LARGE, headers: { ETag: '"v1"' } },
    );
    const input = { ...list(rig, '/f', ['a', 'b', 'c']), to: TO };
    await rig.run(input, onS3(s3));
    const before = s3.commits().length;

    const again = await rig.run({ ...input, run: 'again' }, onS3(s3));

    expect(again).toMatchObject([
      { outcome: 'skipped', reason: 'unchanged', message: 'the source says so' },
      { outcome: 'skipped', reason: 'unchanged', message: 'same length and CRC-32' },
      { outcome: 'skipped', reason: 'unchanged', message: 'same length and CRC-32' },
    ]);
    expect(again[1]).not.toHaveProperty('copiedFrom');
    expect(s3.commits()).toHaveLength(before);
    expect(asked(rig, '/f')).toBe(2);
  });

  it('is replaced when the source has changed, and filled in where one is missing', async ({ rig }) => {
    rig.origin.on('/f', [
      { body: 'one', headers: { ETag: '"v1"' } },
      { body: 'two', headers: { ETag: '"v2"' } },
    ]);
    await rig.run(list(rig, '/f', ['a', 'b']));

    const again = await rig.run({ ...list(rig, '/f', ['a', 'b', 'c']), run: 'again' });

    expect(again.map(({ outcome, sourceEtag }) => [outcome, sourceEtag])).toEqual(Array(3).fill(['stored', '"v2"']));
    expect([await read(rig, 'b'), await read(rig, 'c')]).toEqual(['two', 'two']);
    expect(asked(rig, '/f')).toBe(2);
  });

  it('stays with overwrite: never, and the others are not made of what nobody has looked at', async ({ rig }) => {
    rig.origin.on('/f', { body: 'new' });
    await writeFile(join(rig.root, 'a'), 'somebody else');

    const outcomes = await rig.run({
      ...list(rig, '/f', ['a', 'b']),
      options: { duplicates: 'copy', overwrite: 'never' },
    });

    expect(outcomes).toMatchObject([{ outcome: 'skipped', reason: 'exists' }, { outcome: 'stored' }]);
    expect(outcomes[1]).not.toHaveProperty('copiedFrom');
    expect(await read(rig, 'b')).toBe('new');
  });

  it('is not copied where somebody wrote over it: the line is fetched', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes' });
    const copies = await toCopies(rig, list(rig, '/f', ['a', 'b']));
    await writeFile(join(rig.root, 'a'), 'somebody else');

    await rig.transfer(copies);

    const outcomes = await rig.run(copies);
    expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual([
      ['stored', undefined],
      ['stored', undefined],
    ]);
    expect(await read(rig, 'b')).toBe('bytes');
    expect(asked(rig, '/f')).toBe(2);
  });

  it('S15: is not replaced by a copy that finds it only at its commit', async ({ rig }) => {
    rig.origin.on('/f', { body: LARGE });
    const store = rig.context(onS3(s3)).openDestination(TO);
    const foreign = Buffer.from('somebody else');
    const before = () => store.put('b', foreign, { condition: { kind: 'any' }, crc32: crc32(foreign) });
    s3.add({ on: 'complete', key: /\/b$/, do: { before } });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), to: TO }, onS3(s3));

    expect(outcomes).toMatchObject([{ outcome: 'stored' }, { outcome: 'failed', error: 'CommitConflict' }]);
    expect(await readAll((await store.get('b'))?.body)).toEqual(foreign);
    expect(s3.uploads()).toEqual([]);
    await store.close();
  });

  it('is not copied where it becomes another one in between: the line is fetched, and no upload is left', async ({
    rig,
  }) => {
    rig.origin.on('/f', { body: LARGE });
    const store = rig.context(onS3(s3)).openDestination(TO);
    const foreign = Buffer.from('somebody else');
    const before = () => store.put('a', foreign, { condition: { kind: 'any' }, crc32: crc32(foreign) });
    s3.add({ on: 'create', key: /\/b$/, nth: 1, do: { before } });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), to: TO }, onS3(s3));

    expect(outcomes).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored', bytes: LARGE.bytes }]);
    expect(outcomes[1]).not.toHaveProperty('copiedFrom');
    expect(asked(rig, '/f')).toBe(2);
    expect(s3.uploads()).toEqual([]);
    await store.close();
  });

  it('is not copied where other bytes are read than it had: the line is fetched', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes' });
    const spoiled = (answer: Answer) => ({ ...answer, body: Buffer.from('spoil') });
    s3.add({ on: 'get', key: /\/a$/, do: { reply: spoiled } });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), to: TO }, onS3(s3));

    expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual(
      Array(2).fill(['stored', undefined]),
    );
    expect(String(s3.bytesOf('bucket', 'data/b'))).toBe('bytes');
  });

  it('is copied in several parts where one does not hold it, S3 doing the work', async ({ rig }) => {
    rig.origin.on('/f', { body: { seed: 3, bytes: 23 * MiB } });
    const more = onS3(s3, { maxPartBytes: 8 * MiB });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), to: TO }, more);

    expect(outcomes).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored', copiedFrom: 1, bytes: 23 * MiB }]);
    const copies = s3.calls.filter(({ operation, key }) => operation === 'part' && key.endsWith('/b'));
    expect(copies.map(({ bytes, statuses }) => [bytes, ...statuses])).toEqual(Array(3).fill([0, 200]));
    expect(s3.bytesOf('bucket', 'data/b')?.equals(s3.bytesOf('bucket', 'data/a') ?? Buffer.alloc(0))).toBe(true);
  });

  it('is fetched where the store cannot say what it has copied', async ({ rig }) => {
    rig.origin.on('/f', { body: LARGE });
    const withoutSum = (answer: Answer) => ({
      ...answer,
      body: Buffer.from(String(answer.body).replace(/<ChecksumCRC32>.*<\/ChecksumCRC32>/, '')),
    });
    s3.add({ on: 'part', key: /\/b$/, nth: 1, do: { reply: withoutSum } });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), to: TO }, onS3(s3));

    expect(outcomes.map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual(
      Array(2).fill(['stored', undefined]),
    );
    expect(s3.uploads()).toEqual([]);
  });

  it('is copied once the destination answers again', async ({ rig }) => {
    rig.origin.on('/f', { body: LARGE });
    // More often than the SDK tries by itself.
    s3.add({ on: 'part', key: /\/b$/, nth: 1, times: 12, do: refuse('InternalError') });

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b']), to: TO }, onS3(s3));

    expect(outcomes).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored', copiedFrom: 1 }]);
    expect(asked(rig, '/f')).toBe(1);
    expect(s3.uploads()).toEqual([]);
  });
});
