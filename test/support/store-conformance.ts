import { describe, expect, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import type { Condition, ObjectStore } from '../../lib/store/object-store.ts';
import { keysOf, matching, putBytes, randomBytes, readAll, stream } from './store-bytes.ts';
import { describeCopies } from './store-conformance-copies.ts';
import { describeParts } from './store-conformance-parts.ts';
import { describeUploads } from './store-conformance-uploads.ts';

const ABSENT: Condition = { kind: 'absent' };
const ANY: Condition = { kind: 'any' };

/** `place` makes somewhere empty; what it returns opens stores there, each as another process would. */
export function describeStore(name: string, place: () => Promise<() => ObjectStore>): void {
  describeUploads(name, place);
  describeParts(name, place);
  describeCopies(name, place);
  describe(`${name} keeps the promises of a store`, () => {
    test('a put object is read back whole, with its checksum, type and metadata', async () => {
      const store = (await place())();
      const bytes = randomBytes(100_000, 1);

      const metadata = { 'skyhaul-run': 'r1', line: '7' };
      const put = await putBytes(store, 'a/b c/ü.bin', bytes, ABSENT, { contentType: 'image/png', metadata });

      const got = await store.get('a/b c/ü.bin');
      expect(got?.object).toEqual(put);
      expect(put).toEqual({
        key: 'a/b c/ü.bin',
        bytes: bytes.length,
        etag: expect.stringMatching(/./),
        crc32: crc32(bytes),
        contentType: 'image/png',
        metadata,
      });
      expect(await readAll(got?.body)).toEqual(bytes);
      expect(await store.head('a/b c/ü.bin')).toEqual(put);
    });

    test('a missing object is undefined, not an error', async () => {
      const store = (await place())();

      expect(await store.head('no/such')).toBeUndefined();
      expect(await store.get('no/such')).toBeUndefined();
      await store.delete('no/such');
    });

    test('an empty object is an object', async () => {
      const store = (await place())();

      const put = await putBytes(store, 'empty', new Uint8Array(), ABSENT);

      expect(put).toMatchObject({ bytes: 0, crc32: 0 });
      expect(await readAll((await store.get('empty'))?.body)).toHaveLength(0);
    });

    test('a put whose bytes are not those of its CRC32 leaves nothing behind', async () => {
      const store = (await place())();

      await expect(store.put('damaged', Buffer.from('other'), { crc32: 1, condition: ABSENT })).rejects.toMatchObject({
        name: 'ChecksumRefused',
      });

      expect(await keysOf(store.list(''))).toEqual([]);
    });

    test('matches: replaces what stood there, refuses what no longer stands there', async () => {
      const store = (await place())();
      const first = await putBytes(store, 'k', Buffer.from('first'), ABSENT, { metadata: { n: '1' } });

      const second = await putBytes(store, 'k', Buffer.from('again'), matching(first.etag), { metadata: { n: '2' } });

      expect(second.etag).not.toBe(first.etag);
      expect(await store.head('k')).toEqual(second);
      await expect(putBytes(store, 'k', Buffer.from('third'), matching(first.etag))).rejects.toMatchObject({
        name: 'CommitConflict',
      });
      expect(await readAll((await store.get('k'))?.body)).toEqual(Buffer.from('again'));
    });

    test('matches: an object that is not there cannot be replaced', async () => {
      const store = (await place())();
      const put = await putBytes(store, 'k', Buffer.from('first'), ABSENT);
      await store.delete('k');

      await expect(putBytes(store, 'k', Buffer.from('second'), matching(put.etag))).rejects.toMatchObject({
        name: 'CommitConflict',
      });

      expect(await store.head('k')).toBeUndefined();
    });

    test('of writers that race for a name with absent, exactly one wins, and its bytes and metadata stand', async () => {
      const open = await place();
      const writers = Array.from({ length: 6 }, (_, index) => ({ store: open(), index: String(index) }));

      const results = await Promise.allSettled(
        writers.map(({ store, index }) =>
          putBytes(store, 'race', Buffer.from(`writer ${index}`), ABSENT, { metadata: { writer: index } }),
        ),
      );

      const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const losers = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(winners).toHaveLength(1);
      expect(losers.map((error) => error.name)).toEqual(Array(5).fill('CommitConflict'));
      const got = await open().get('race');
      expect(got?.object).toEqual(winners[0]);
      expect(String(await readAll(got?.body))).toBe(`writer ${winners[0]?.metadata.writer}`);
    });

    test('every change of a counter under matches is one that nobody else made', async () => {
      const open = await place();
      await putBytes(open(), 'counter', Buffer.from('0'), ABSENT);
      const addOne = async (store: ObjectStore) => {
        for (let added = 0; added < 5; ) {
          const got = await store.get('counter');
          const next = String(Number(String(await readAll(got?.body))) + 1);
          const put = putBytes(store, 'counter', Buffer.from(next), matching(got?.object.etag ?? ''));
          added += await put.then(
            () => 1,
            (error) => {
              expect(error.name).toBe('CommitConflict');
              return 0;
            },
          );
        }
      };

      await Promise.all([addOne(open()), addOne(open()), addOne(open())]);

      expect(String(await readAll((await open().get('counter'))?.body))).toBe('15');
    });

    test('a stream of any length is stored, its chunks used again by whoever makes them', async () => {
      const store = (await place())();
      async function* reusingMemory() {
        const memory = Buffer.alloc(300_000);
        for (let index = 0; index < 30; index += 1) yield memory.fill(index);
      }
      const wanted = Buffer.concat(Array.from({ length: 30 }, (_, index) => Buffer.alloc(300_000, index)));

      await store.putStream('long', reusingMemory(), { condition: ANY, contentType: 'text/html', sealed: true });
      await store.putStream('empty', stream([]), { condition: ANY });

      const got = await store.get('long');
      expect(got?.object).toMatchObject({ bytes: 9_000_000, contentType: 'text/html' });
      expect(crc32(await readAll(got?.body))).toBe(crc32(wanted));
      expect(await store.head('empty')).toMatchObject({ bytes: 0 });
    });

    test('a stream that breaks leaves the old object and no upload when it rejects, with its own error', async () => {
      const store = (await place())();
      await putBytes(store, 'report', Buffer.from('old'), ANY);
      const broken = new Error('the source of the stream');
      async function* breaking() {
        for (let index = 0; index < 24; index += 1) yield Buffer.alloc(1_000_000, index);
        throw broken;
      }

      await expect(store.putStream('report', breaking(), { condition: ANY })).rejects.toBe(broken);

      expect(await keysOf(store.listUploads(''))).toEqual([]);
      expect(await readAll((await store.get('report'))?.body)).toEqual(Buffer.from('old'));
    });

    test('a listing is in UTF-8 byte order, below its prefix only', async () => {
      const store = (await place())();
      const keys = ['a.txt', 'a/b', 'a/b.c', 'a/b/c', 'a0', 'B', 'ab/x', '\u{1f600}', '\uffe0', 'ä'];
      const storable = keys.filter((key) => key !== 'a/b');
      for (const key of storable) await putBytes(store, key, Buffer.from(key), ABSENT);
      const inOrder = storable.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));

      expect(await keysOf(store.list(''))).toEqual(inOrder);
      for (const prefix of ['a', 'a/', 'a/b', 'a/b/', 'ab', 'zz', 'zz/y']) {
        expect(await keysOf(store.list(prefix))).toEqual(inOrder.filter((key) => key.startsWith(prefix)));
      }
    });

    test('a listing tells size, ETag and time of each object', async () => {
      const store = (await place())();
      const put = await putBytes(store, 'dir/k', Buffer.from('12345'), ABSENT);

      const listed = [];
      for await (const entry of store.list('dir/')) listed.push(entry);

      expect(listed).toEqual([{ key: 'dir/k', bytes: 5, etag: put.etag, modifiedAt: expect.any(Number) }]);
      expect(listed[0]?.modifiedAt).toBeGreaterThan(Date.now() - 3_600_000);
    });

    test('a deleted object is gone with all that was known of it', async () => {
      const store = (await place())();
      await putBytes(store, 'k', Buffer.from('first'), ABSENT, { metadata: { a: 'b' } });

      await store.delete('k');

      expect(await keysOf(store.list(''))).toEqual([]);
      expect(await store.head('k')).toBeUndefined();
    });

    test.each(['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', './a', 'a\\b', 'a\0b', 'a\nb', '\ud800'])(
      'the key %j is refused',
      async (key) => {
        const store = (await place())();

        await expect(putBytes(store, key, Buffer.from('x'), ABSENT)).rejects.toMatchObject({ name: 'KeyRefused' });
        await expect(store.createUpload(key, {})).rejects.toMatchObject({ name: 'KeyRefused' });
        await expect(store.head(key)).rejects.toMatchObject({ name: 'KeyRefused' });
      },
    );
  });
}
