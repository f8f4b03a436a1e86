import { describe, expect, test } from 'vitest';
import { combineCrc32, crc32 } from '../../lib/store/crc32.ts';
import type { Condition, ObjectStore, StoredPart, Upload } from '../../lib/store/object-store.ts';

const ABSENT: Condition = { kind: 'absent' };
const ANY: Condition = { kind: 'any' };

/** `place` makes somewhere empty; what it returns opens stores there, each as another process would. */
export function describeStore(name: string, place: () => Promise<() => ObjectStore>): void {
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
      expect(await readAll((await store.get('big'))?.body)).toEqual(whole);
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

      expect(await readAll((await store.get('mixed'))?.body)).toEqual(Buffer.concat(pieces));
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

    test('a put whose bytes are not those of its CRC32 leaves nothing behind', async () => {
      const store = (await place())();

      await expect(store.put('damaged', Buffer.from('other'), { crc32: 1, condition: ABSENT })).rejects.toMatchObject({
        name: 'ChecksumRefused',
      });

      expect(await keysOf(store.list(''))).toEqual([]);
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
      expect(await readAll((await store.get('big'))?.body)).toEqual(Buffer.concat(pieces));
    });

    test('a commit with a gap, a wrong order, another part than was sent, one never sent or none is refused', async () => {
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

    test('a short part in the middle is refused', async () => {
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

    test('absent: a second object does not replace the first, by put, by stream or by upload', async () => {
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

    test('matches: an upload replaces what stood there, a stale one does not', async () => {
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
      expect(await readAll((await store.get('k'))?.body)).toEqual(Buffer.concat(pieces));
    });

    test('matches: an object that is not there cannot be replaced', async () => {
      const store = (await place())();
      const put = await putBytes(store, 'k', Buffer.from('first'), ABSENT);
      await store.delete('k');

      await expect(putBytes(store, 'k', Buffer.from('second'), matching(put.etag))).rejects.toMatchObject({
        name: expect.stringMatching(/^(CommitConflict|StoreFailed)$/),
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

export function putBytes(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  condition: Condition,
  options: { contentType?: string; metadata?: Record<string, string>; sealed?: boolean } = {},
) {
  return store.put(key, bytes, { crc32: crc32(bytes), condition, contentType: 'text/plain', ...options });
}

export function matching(etag: string): Condition {
  return { kind: 'matches', etag };
}

export async function sendPart(store: ObjectStore, upload: Upload, number: number, pieces: readonly Buffer[]) {
  const bytes = pieces[number - 1] ?? Buffer.alloc(0);
  return store.uploadPart(upload, number, bytes, crc32(bytes));
}

/** The smallest parts the store takes, and a shorter last one. */
export function cut(store: ObjectStore, count: number, lastBytes: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    randomBytes(index === count - 1 ? lastBytes : store.limits.minPartBytes, index),
  );
}

export function commitOf(pieces: readonly Buffer[], condition: Condition) {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { bytes, crc32: pieces.reduce((crc, piece) => combineCrc32(crc, crc32(piece), piece.length), 0), condition };
}

/** The same bytes for the same seed: a failing test fails again. */
export function randomBytes(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2_654_435_761 + 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

export async function readAll(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function keysOf(entries: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of entries) keys.push(key);
  return keys;
}

async function replace(store: ObjectStore, key: string, pieces: readonly Buffer[], etag: string): Promise<void> {
  const upload = await store.createUpload(key, {});
  const part = await sendPart(store, upload, 1, pieces);
  await store.completeUpload(upload, [part], commitOf(pieces, matching(etag)));
}

async function* stream(texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text);
}
