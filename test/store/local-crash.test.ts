import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { keysOf, putBytes, readAll } from '../support/store-bytes.ts';

const child = join(import.meta.dirname, '../support/store-crash-child.ts');

test('L01: whenever the writer is killed, only whole objects stand under their names, and the store goes on', async () => {
  const root = await mkdtemp(join(tmpdir(), 'skyhaul-crash-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const store = openLocalStore(root);
  const versions = new Set<number>();

  for (let kill = 0; kill < 12; kill += 1) {
    const writer = spawn(process.execPath, [child, root], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(writer, 'exit');
    // Sign of a finished version; then another point of the next one each time.
    await once(writer.stdout, 'data');
    await sleep(kill);
    writer.kill('SIGKILL');
    await ended;

    expect(await keysOf(store.list(''))).toEqual(['by/put', 'by/stream', 'by/upload']);
    for (const key of ['by/put', 'by/stream', 'by/upload']) {
      const got = await store.get(key);
      const bytes = await readAll(got?.body);
      expect(bytes.length).toBe(400_000);
      expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
      // What is said of the object is said of this version.
      expect(got?.object.metadata).toEqual({ version: String(bytes[0]) });
      expect(got?.object.crc32).toBe(crc32(bytes));
      versions.add(bytes[0] ?? 0);
    }
    for await (const upload of store.listUploads('')) await store.abortUpload(upload);
    const stood = await store.head('by/put');
    await putBytes(
      store,
      'by/put',
      Buffer.alloc(400_000, 1),
      { kind: 'matches', etag: stood?.etag ?? '' },
      {
        metadata: { version: '1' },
      },
    );
  }

  expect(versions.has(0)).toBe(false);
  expect(await keysOf(store.listUploads(''))).toEqual([]);
});
