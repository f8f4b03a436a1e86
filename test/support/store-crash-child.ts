import { crc32 } from '../../lib/store/crc32.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';

/**
 * Writes new versions of three objects for ever, one by each way of writing, until it is killed. Every byte of version v
 * is v, so whoever finds two different bytes in one file has found a half one.
 */
const BYTES = 400_000;
const store = openLocalStore(process.argv[2] ?? '');
const any = { kind: 'any' } as const;

async function* pieces(version: number) {
  for (let sent = 0; sent < BYTES; sent += 100_000) yield Buffer.alloc(100_000, version);
}

async function upload(version: number): Promise<void> {
  const bytes = Buffer.alloc(BYTES / 2, version);
  const crc = crc32(bytes);
  const begun = await store.createUpload('by/upload', { metadata: { version: String(version) } });
  const parts = [await store.uploadPart(begun, 2, bytes, crc), await store.uploadPart(begun, 1, bytes, crc)];
  const commit = { bytes: BYTES, crc32: crc32(bytes, crc), condition: any };
  await store.completeUpload(begun, parts.toReversed(), commit);
}

for (let version = 1; ; version = (version % 255) + 1) {
  const bytes = Buffer.alloc(BYTES, version);
  await Promise.all([
    store.put('by/put', bytes, { crc32: crc32(bytes), condition: any, metadata: { version: String(version) } }),
    store.putStream('by/stream', pieces(version), { condition: any, metadata: { version: String(version) } }),
    upload(version),
  ]);
  process.stdout.write('.');
}
