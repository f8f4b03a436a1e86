import { describe, expect, test } from 'vitest';
import { combineCrc32, crc32 } from '../../lib/store/crc32.ts';
import type { Condition, ObjectStore } from '../../lib/store/object-store.ts';
import { commitOf, matching, putBytes, randomBytes, readAll, sendPart } from './store-bytes.ts';

const ABSENT: Condition = { kind: 'absent' };

/** The part of the suite that is about parts that are copied from another object. */
export function describeCopies(name: string, place: () => Promise<() => ObjectStore>): void {
  describe(`${name} keeps the promises of a copied part`, () => {
    test('ranges of an object join to the same bytes, under a key with any letters, beside parts that were sent', async () => {
      const store = (await place())();
      const least = store.limits.minPartBytes;
      const whole = randomBytes(2 * least + 70_001, 1);
      const { etag } = await putBytes(store, 'a b/ü+%?#.bin', whole, ABSENT);
      const upload = await store.createUpload('copy', { contentEncoding: 'gzip', metadata: { line: '2' } });
      const ends = [0, least, 2 * least + 1, whole.length];
      const pieces = ends.slice(1).map((end, index) => whole.subarray(ends[index], end));

      const parts = [];
      for (const [index, { length: bytes }] of pieces.entries()) {
        const source = { key: 'a b/ü+%?#.bin', etag, from: ends[index] ?? 0, bytes };
        const copied = index === 1 ? undefined : await store.copyPart(upload, index + 1, source);
        parts.push(copied ?? (await sendPart(store, upload, index + 1, pieces)));
      }

      expect(parts.map(({ etag: _, ...part }) => part)).toEqual(
        pieces.map((piece, index) => ({ number: index + 1, bytes: piece.length, crc32: crc32(piece) })),
      );
      expect(await store.listParts(upload)).toEqual(parts);
      expect(await store.head('copy')).toBeUndefined();
      await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));
      expect((await readAll((await store.get('copy'))?.body)).equals(whole)).toBe(true);
      expect(await store.head('copy')).toMatchObject({ contentEncoding: 'gzip', metadata: { line: '2' } });
      expect(combineCrc32(0, crc32(whole), whole.length)).toBe((await store.head('copy'))?.crc32);
    });

    test('of an object that is another one by now, or is gone, no part is made', async () => {
      const store = (await place())();
      const bytes = store.limits.minPartBytes + 1;
      const { etag } = await putBytes(store, 'k', randomBytes(bytes, 1), ABSENT);
      const source = { key: 'k', etag, from: 0, bytes };
      const upload = await store.createUpload('copy', {});
      const second = await putBytes(store, 'k', randomBytes(bytes, 2), matching(etag));

      expect(await store.copyPart(upload, 1, source)).toBeUndefined();
      await store.delete('k');
      expect(await store.copyPart(upload, 1, { ...source, etag: second.etag })).toBeUndefined();

      expect(await store.listParts(upload)).toEqual([]);
    });

    test('S19: no part is copied into an upload that is gone, nor after its signal', async () => {
      const store = (await place())();
      const bytes = store.limits.minPartBytes + 1;
      const { etag } = await putBytes(store, 'k', randomBytes(bytes, 1), ABSENT);
      const source = { key: 'k', etag, from: 0, bytes };
      const upload = await store.createUpload('copy', {});
      const reason = new Error('given up');

      await expect(store.copyPart(upload, 1, source, AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(await store.listParts(upload)).toEqual([]);
      await store.abortUpload(upload);

      await expect(store.copyPart(upload, 1, source)).rejects.toMatchObject({ name: 'UploadLost' });
    });
  });
}
