import { spawnSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { Condition, ObjectStore } from '../../lib/store/object-store.ts';
import { commitOf, cut, keysOf, putBytes, randomBytes, sendPart, streamBytes } from '../support/store-bytes.ts';

const ABSENT: Condition = { kind: 'absent' };
const ANY: Condition = { kind: 'any' };
const conflict = { name: 'CommitConflict' };

let outside: string;
let root: string;
let store: ObjectStore;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'skyhaul-local-'));
  root = join(outside, 'root');
  await mkdir(root);
  store = openLocalStore(root);
});
afterEach(() => rm(outside, { recursive: true, force: true }));

describe('an upload', () => {
  test('of equal parts in any order writes each byte once: the commit renames the file the parts are in', async () => {
    const pieces = cut(store, 4, 100);
    const upload = await store.createUpload('big', {});
    for (const number of [2, 4, 1, 3]) await sendPart(store, upload, number, pieces);
    const before = await stat(join(root, '.skyhaul/tmp', upload.id, 'data'));

    const parts = [1, 2, 3, 4].map((number) => describePart(pieces, number));
    await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

    expect((await stat(join(root, 'big'))).ino).toBe(before.ino);
    expect(await readFile(join(root, 'big'))).toEqual(Buffer.concat(pieces));
  });

  test('of any sizes in any order, sent by several processes and more than once, joins to the same bytes', async () => {
    const least = store.limits.minPartBytes;
    const sizes = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.array(fc.nat(4), { maxLength: 5 }),
        fc.nat(least),
        fc.boolean(),
        async (extra, again, last, shuffle) => {
          const pieces = extra.map((more, index) =>
            randomBytes(index === extra.length - 1 ? last : least + more * 1_000, index),
          );
          const upload = await store.createUpload('big', {});
          const order = pieces.map((_, index) => index + 1);
          const numbers = [
            ...(shuffle ? order.toReversed() : order),
            ...again.filter((index) => index < pieces.length).map((index) => index + 1),
          ];

          // A first try with other bytes is replaced.
          const wrong = randomBytes(least, 77);
          await sendPart(openLocalStore(root), upload, 1, [wrong]);
          await Promise.all(numbers.map((number) => sendPart(openLocalStore(root), upload, number, pieces)));
          const parts = order.map((number) => describePart(pieces, number));
          await store.completeUpload(upload, parts, commitOf(pieces, ANY));

          expect(Buffer.compare(await readFile(join(root, 'big')), Buffer.concat(pieces))).toBe(0);
          expect(await keysOf(store.listUploads(''))).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('never writes over bytes of a part that it has taken: its writer may be cut off half-way', async () => {
    const pieces = cut(store, 2, 100);
    const upload = await store.createUpload('big', {});
    await sendPart(store, upload, 1, pieces);
    await sendPart(openLocalStore(root), upload, 1, [randomBytes(store.limits.minPartBytes, 9)]);

    const data = await readFile(join(root, '.skyhaul/tmp', upload.id, 'data'));
    expect(data.equals(pieces[0] ?? Buffer.alloc(0))).toBe(true);
  });

  test('whose streamed part failed and came again still writes each byte once', async () => {
    const pieces = cut(store, 3, 100);
    const upload = await store.createUpload('big', {});
    async function* failing() {
      yield randomBytes(10_000, 9);
      throw new Error('of the source');
    }
    const [, second = Buffer.alloc(0)] = pieces;
    await sendPart(store, upload, 1, pieces);
    await expect(store.streamPart(upload, 2, second.length, failing())).rejects.toThrow('of the source');
    const parts = [];
    for (const number of [1, 2, 3]) parts.push(await streamBytes(store, upload, number, pieces[number - 1] ?? second));
    // Part 1 came a second time, which is the one case that takes a file of its own.
    expect(await store.listParts(upload)).toEqual(parts);
    const files = await readdir(join(root, '.skyhaul/tmp', upload.id));

    await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

    expect(files.filter((name) => name.endsWith('.part'))).toEqual([expect.stringMatching(/^1-/)]);
    expect(await readFile(join(root, 'big'))).toEqual(Buffer.concat(pieces));
  });

  test('whose part is given up while it is written has no such part, whatever its memory becomes then', async () => {
    const upload = await store.createUpload('big', {});
    const controller = new AbortController();
    const bytes = randomBytes(20_000_000, 1);

    const reason = new Error('given up');
    const sending = store.uploadPart(upload, 1, bytes, crc32(bytes), controller.signal);
    controller.abort(reason);
    await expect(sending).rejects.toBe(reason);
    bytes.fill(0xdd);

    expect(await store.listParts(upload)).toEqual([]);
    const again = await streamBytes(store, upload, 1, randomBytes(20_000_000, 2));
    await store.completeUpload(upload, [again], commitOf([randomBytes(20_000_000, 2)], ABSENT));
    expect(crc32(await readFile(join(root, 'big')))).toBe(again.crc32);
  });

  test('whose commit is refused keeps its parts', async () => {
    const pieces = cut(store, 2, 100);
    const upload = await store.createUpload('big', {});
    const parts = [await sendPart(store, upload, 1, pieces), await sendPart(store, upload, 2, pieces)];
    await putBytes(store, 'big', Buffer.from('other'), ABSENT);

    await expect(store.completeUpload(upload, parts, commitOf(pieces, ABSENT))).rejects.toMatchObject(conflict);
    await store.delete('big');
    await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

    expect(await readFile(join(root, 'big'))).toEqual(Buffer.concat(pieces));
  });
});

describe('L01: an upload whose process was killed', () => {
  test('in the middle of its commit has all its parts, and is committed by the next one', async () => {
    const pieces = cut(store, 2, 100);
    const killed = Promise.withResolvers<void>();
    const dying = openLocalStore(root, {
      now: Date.now,
      // At its last step it is heard of no more.
      link(from, to) {
        if (!to.endsWith('big')) return link(from, to);
        killed.resolve();
        return new Promise(() => undefined);
      },
    });
    const upload = await dying.createUpload('big', {});
    for (const number of [1, 2]) await sendPart(dying, upload, number, pieces);
    void dying.completeUpload(upload, await dying.listParts(upload), commitOf(pieces, ABSENT));
    await killed.promise;

    const parts = await store.listParts(upload);
    expect(parts.map(({ number }) => number)).toEqual([1, 2]);
    await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

    expect(await readFile(join(root, 'big'))).toEqual(Buffer.concat(pieces));
    expect(await keysOf(store.listUploads(''))).toEqual([]);
  });

  test('while it committed without hard links has only the parts whose bytes are still there, and is filled again', async () => {
    const pieces = cut(store, 2, 100);
    const upload = await store.createUpload('big', {});
    for (const number of [1, 2]) await sendPart(store, upload, number, pieces);
    // The first step of such a commit; the next one gives the file its name.
    await rename(join(root, '.skyhaul/tmp', upload.id, 'data'), join(root, '.skyhaul/tmp/killed.tmp'));

    expect(await store.listParts(upload)).toEqual([]);
    const parts = [await sendPart(store, upload, 1, pieces), await sendPart(store, upload, 2, pieces)];
    await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

    expect(await readFile(join(root, 'big'))).toEqual(Buffer.concat(pieces));
  });

  test('while it was created is listed, or swept up a day later', async () => {
    const script = join(import.meta.dirname, '../support/store-begin-child.ts');

    for (let write = 1; write <= 8; write += 1) {
      spawnSync(process.execPath, [script, root, String(write)], { stdio: 'inherit' });
    }
    // And a commit of that process, while it held the lock of a key.
    await writeFile(join(root, '.skyhaul/tmp/key.swap'), '');
    const tomorrow = openLocalStore(root, { now: () => Date.now() + 25 * 3_600_000, link });
    for await (const upload of store.listUploads('')) await tomorrow.abortUpload(upload);
    await putBytes(tomorrow, 'swept', Buffer.from('now'), ABSENT);

    expect(await readdir(join(root, '.skyhaul/tmp'))).toEqual([]);
  });
});

/** As the store described it when it took the part. */
function describePart(pieces: readonly Buffer[], number: number) {
  const bytes = pieces[number - 1] ?? Buffer.alloc(0);
  return { number, bytes: bytes.length, crc32: crc32(bytes), etag: '' };
}
