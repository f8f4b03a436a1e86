import { describe, expect, test } from 'vitest';
import { combineCrc32, crc32 } from '../../lib/store/crc32.ts';
import type { Condition, ObjectStore, StoredPart } from '../../lib/store/object-store.ts';
import { commitOf, cut, keysOf, matching, putBytes, randomBytes, readAll, sendPart, stream } from './store-bytes.ts';

const ABSENT: Condition = { kind: 'absent' };
const ANY: Condition = { kind: 'any' };

/** The part of the suite that is about multipart uploads. */
export function describeUploads(name: string, place: () => Promise<() => ObjectStore>): void {
  describe(`${name} keeps the promises of an upload`, () => {
    test('parts sent in any order join in the order of their numbers', async () => {
      const open = await place();
      const store = open();
      const pieces = cut(store, 4, 1_000);
      const upload = await store.createUpload('big', { contentType: 'text/plain', metadata: { line: '1' } });

      const parts: StoredPart[] = [];
      for (const number of [3, 1, 4, 2]) parts.push(await sendPart(store, upload, number, pieces));
      expect(await store.head('big')).toBeUndefined();
      parts.sort((one, other) => one.number - other.number);
      // Another process may commit.
      const object = await open().completeUpload(upload, parts, commitOf(pieces, ABSENT));

      const whole = Buffer.concat(pieces);
      expect(object).toMatchObject({ key: 'big', bytes: whole.length, crc32: crc32(whole), contentType: 'text/plain' });
      expect(object.metadata).toEqual({ line: '1' });
      expect(await store.head('big')).toEqual(object);
      expect((await readAll((await store.get('big'))?.body)).equals(whole)).toBe(true);
      expect(await keysOf(store.listUploads(''))).toEqual([]);
    });

    test('parts of different sizes join too, and a part sent again replaces the first', async () => {
      const store = (await place())();
      const least = store.limits.minPartBytes;
      const pieces = [
        randomBytes(least, 1),
        randomBytes(least + 70_000, 2),
        randomBytes(least + 5, 3),
        Buffer.from('x'),
      ];
      const upload = await store.createUpload('mixed', {});

      await store.uploadPart(upload, 2, randomBytes(least, 9), crc32(randomBytes(least, 9)));
      const parts = await Promise.all([1, 2, 3, 4].map((number) => sendPart(store, upload, number, pieces)));
      await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

      expect((await readAll((await store.get('mixed'))?.body)).equals(Buffer.concat(pieces))).toBe(true);
    });

    test('a part whose bytes are not those of its CRC32 is refused', async () => {
      const store = (await place())();
      const upload = await store.createUpload('damaged', {});

      await expect(
        store.uploadPart(upload, 1, Buffer.from('other'), crc32(Buffer.from('wanted'))),
      ).rejects.toMatchObject({
        name: 'ChecksumRefused',
      });
    });

    test.each([
      ['another CRC32', (commit: { crc32: number; bytes: number }) => ({ ...commit, crc32: commit.crc32 ^ 1 })],
      ['another size', (commit: { crc32: number; bytes: number }) => ({ ...commit, bytes: commit.bytes + 1 })],
    ])('a commit with %s is refused, nothing is visible, and the right one still works', async (_, spoil) => {
      const store = (await place())();
      const pieces = cut(store, 2, 10);
      const upload = await store.createUpload('big', {});
      const parts = await Promise.all([1, 2].map((number) => sendPart(store, upload, number, pieces)));
      const commit = commitOf(pieces, ABSENT);

      await expect(store.completeUpload(upload, parts, { ...commit, ...spoil(commit) })).rejects.toMatchObject({
        name: 'ChecksumRefused',
      });
      expect(await store.head('big')).toBeUndefined();

      await store.completeUpload(upload, parts, commit);
      expect((await readAll((await store.get('big'))?.body)).equals(Buffer.concat(pieces))).toBe(true);
    });

    test('S11: a commit with a gap, a wrong order, another part than was sent, one never sent or none is refused', async () => {
      const store = (await place())();
      const pieces = cut(store, 3, store.limits.minPartBytes);
      const upload = await store.createUpload('big', {});
      const sent = await Promise.all([1, 2, 3].map((number) => sendPart(store, upload, number, pieces)));
      const [one, two, three] = sent;
      if (one === undefined || two === undefined || three === undefined) throw new Error('three parts were sent');
      const other = { ...two, crc32: three.crc32 };
      const never = { ...three, number: 4 };

      for (const list of [[], [one, three], [two, one, three], [one, other, three], [...sent, never]]) {
        const crc = list.reduce((sum, part) => combineCrc32(sum, part.crc32, part.bytes), 0);
        const commit = { bytes: list.length * two.bytes, crc32: crc, condition: ABSENT };
        await expect(store.completeUpload(upload, list, commit)).rejects.toMatchObject({ name: 'ChecksumRefused' });
        expect(await store.head('big')).toBeUndefined();
      }

      await store.completeUpload(upload, sent, commitOf(pieces, ABSENT));
    });

    test('S09: a short part in the middle is refused', async () => {
      const store = (await place())();
      const pieces = [randomBytes(100, 1), randomBytes(100, 2)];
      const upload = await store.createUpload('short', {});
      const parts = await Promise.all([1, 2].map((number) => sendPart(store, upload, number, pieces)));

      await expect(store.completeUpload(upload, parts, commitOf(pieces, ABSENT))).rejects.toMatchObject({
        name: 'ChecksumRefused',
      });
    });

    test('an aborted upload is gone: not listed, no part taken, no commit, and aborting again is fine', async () => {
      const store = (await place())();
      const pieces = cut(store, 1, 10);
      const upload = await store.createUpload('dir/gone', {});
      const other = await store.createUpload('dir/stays', {});
      const part = await sendPart(store, upload, 1, pieces);
      expect((await keysOf(store.listUploads('dir/'))).toSorted()).toEqual(['dir/gone', 'dir/stays']);

      await store.abortUpload(upload);
      await store.abortUpload(upload);

      expect(await keysOf(store.listUploads('dir/'))).toEqual(['dir/stays']);
      await expect(sendPart(store, upload, 1, pieces)).rejects.toMatchObject({ name: 'UploadLost' });
      await expect(store.completeUpload(upload, [part], commitOf(pieces, ABSENT))).rejects.toMatchObject({
        name: 'UploadLost',
      });
      expect(await store.head('dir/gone')).toBeUndefined();
      await store.abortUpload(other);
    });

    test('an upload found in the listing can be aborted, and tells when it began', async () => {
      const open = await place();
      const before = Date.now() - 60_000;
      await open().createUpload('orphan', {});

      for await (const upload of open().listUploads('')) {
        expect(upload.initiatedAt).toBeGreaterThan(before);
        await open().abortUpload(upload);
      }

      expect(await keysOf(open().listUploads(''))).toEqual([]);
    });

    test('S18: absent: a second object does not replace the first, by put, by stream or by upload', async () => {
      const store = (await place())();
      const first = await putBytes(store, 'taken', Buffer.from('first'), ABSENT);
      const pieces = cut(store, 1, 10);
      const upload = await store.createUpload('taken', {});
      const part = await sendPart(store, upload, 1, pieces);

      await expect(putBytes(store, 'taken', Buffer.from('second'), ABSENT)).rejects.toMatchObject({
        name: 'CommitConflict',
      });
      await expect(store.putStream('taken', stream(['x']), { condition: ABSENT })).rejects.toMatchObject({
        name: 'CommitConflict',
      });
      await expect(store.completeUpload(upload, [part], commitOf(pieces, ABSENT))).rejects.toMatchObject({
        name: 'CommitConflict',
      });

      expect(await store.head('taken')).toMatchObject({ etag: first.etag, bytes: 5 });
      await store.abortUpload(upload);
    });

    test('S18: matches: an upload replaces what stood there, a stale one does not', async () => {
      const store = (await place())();
      const pieces = cut(store, 1, 10);
      const first = await putBytes(store, 'k', Buffer.from('first'), ABSENT);
      const upload = await store.createUpload('k', {});
      const part = await sendPart(store, upload, 1, pieces);
      const second = await putBytes(store, 'k', Buffer.from('other'), ANY);

      await expect(store.completeUpload(upload, [part], commitOf(pieces, matching(first.etag)))).rejects.toMatchObject({
        name: 'CommitConflict',
      });
      expect(await readAll((await store.get('k'))?.body)).toEqual(Buffer.from('other'));

      await replace(store, 'k', pieces, second.etag);
      expect((await readAll((await store.get('k'))?.body)).equals(Buffer.concat(pieces))).toBe(true);
    });
  });
}

async function replace(store: ObjectStore, key: string, pieces: readonly Buffer[], etag: string): Promise<void> {
  const upload = await store.createUpload(key, {});
  const part = await sendPart(store, upload, 1, pieces);
  await store.completeUpload(upload, [part], commitOf(pieces, matching(etag)));
}
